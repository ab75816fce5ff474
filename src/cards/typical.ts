/**
 * Views without content in the structures most people will see, one or more per template, for warming up. Must not know
 * any capability.
 */
import { LIMITS } from './text.ts';
import type { RequestView, View } from './view.ts';

const button = { title: '', verb: '', data: { requestId: '' }, style: 'default' } as const;

/** A receipt: some facts and the button that cancels. */
function receipt(rows: number): RequestView {
  return {
    template: 'request',
    summary: '',
    tone: 'emphasis',
    title: '',
    state: '',
    sentence: '',
    note: [],
    rows: Array.from({ length: rows }, () => ({ label: '', text: '' })),
    question: [],
    items: [],
    inputs: [],
    page: [],
    link: [],
    deciding: [],
    buttons: [button],
    footer: '',
  };
}

/** Receipts of every length, and the plainest view of each other template. */
export const TYPICAL: readonly View[] = [
  ...Array.from({ length: LIMITS.requestRows }, (_, n) => receipt(n + 1)),
  { template: 'notice', summary: '', tone: 'emphasis', title: [], sentence: '', stacked: [], buttons: [] },
  { template: 'help', summary: '', title: '', intro: '', commands: [], buttons: [] },
  { template: 'list', summary: '', title: '', rows: [], end: [{ text: '' }], buttons: [] },
  {
    template: 'form',
    summary: '',
    title: '',
    intro: '',
    faults: [],
    checked: [],
    groups: [],
    submit: { title: '', verb: '' },
    check: [],
    data: { formId: '' },
  },
];
