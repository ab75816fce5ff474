/**
 * Every body that is sent to Partner Center, as the goldens hold it, against the published shape; the choices that are
 * offered against the published enumerations; and the two drafts the project was asked for against what is sent today.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { default as Ajv } from 'ajv-draft-04';
import { default as addFormats } from 'ajv-formats';
import { invitedBody } from '../../src/capabilities/referral/bodies.ts';
import { root } from '../../src/root.ts';

// biome-ignore lint/suspicious/noExplicitAny: recorded JSON of any shape
type Json = any;

const read = (...path: string[]): Json => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
const { _about: _aboutEnums, Substatuses, ...enums } = read('test', 'contract', 'partner-enums.json');
const examples = read('test', 'contract', 'partner-examples.json');
const choices = read('cards', 'choices', 'referral.json');
const drafts = read('test', 'contract', 'partner-drafts.json');

/** The schema with the enumerations put in. */
function schema(): Json {
  const published = read('test', 'contract', 'partner-referral.schema.json');
  const vectors = Object.entries(enums).map(([name, values]) => [name, { enum: values }]);
  return { ...published, definitions: { ...published.definitions, ...Object.fromEntries(vectors) } };
}

type Kind = 'referral' | 'patch' | 'registration';

const ajv = new Ajv.default({ allErrors: true, strict: false });
addFormats.default(ajv);
ajv.addSchema(schema(), 'partner');

/** What the published shape has against a body. */
function faultsOf(kind: Kind, body: Json): string[] {
  const validate = ajv.getSchema(`partner#/definitions/${kind}`);
  assert.ok(validate);
  validate(body);
  const faults = (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, message, JSON.stringify(params)].join(' '),
  );
  const said =
    kind === 'patch' ? Object.fromEntries(body.map(({ path, value }: Json) => [path?.slice(1), value])) : body;
  const { status, substatus } = said as { status?: string; substatus?: string };
  if (status !== undefined && !Substatuses[status]?.includes(substatus)) faults.push(`${status} with ${substatus}`);
  return faults;
}

interface Sent {
  readonly golden: string;
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body: Json;
}

const golden = join(root, 'test', 'golden');

function sentIn(file: string): Sent[] {
  const { then } = JSON.parse(readFileSync(join(golden, file), 'utf8'));
  return (then.requests ?? []).flatMap(({ happened }: Json) =>
    happened.flatMap((one: Json): Sent[] => {
      const method = ['POST', 'PATCH', 'PUT'].find((name) => typeof one === 'object' && name in one);
      return method ? [{ golden: file, name: one.name, method, path: one[method], body: one.body }] : [];
    }),
  );
}

const sent = readdirSync(golden, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json') && file.startsWith('referral'))
  .flatMap(sentIn);

const kindOf = ({ method, path }: Sent): Kind =>
  path === '/registration' ? 'registration' : method === 'PATCH' ? 'patch' : 'referral';

describe('the contract with Partner Center', () => {
  it('every body that is sent has the published shape', () => {
    const wrong = sent.flatMap((one) => faultsOf(kindOf(one), one.body).map((fault) => `${one.golden}: ${fault}`));
    assert.deepEqual(wrong, []);
    const counts = (['referral', 'patch', 'registration'] as const).map(
      (kind) => sent.filter((one) => kindOf(one) === kind).length,
    );
    assert.ok(Math.min(...counts) > 4, `referrals, patches, registrations: ${counts}`);
  });

  it('the documented bodies have it too', () => {
    assert.deepEqual(faultsOf('referral', examples.shared), []);
    assert.deepEqual(faultsOf('referral', examples.connected), []);
    assert.deepEqual(faultsOf('patch', examples.patch), []);
    assert.deepEqual(faultsOf('registration', examples.registration), []);
  });

  it('an invitation that names the organization beside the target has it too', () => {
    const invitee = { organizationId: 'msft', organizationName: 'Microsoft' };
    const body = invitedBody(examples.shared, examples.connected.engagementId, invitee, {}, null, true);
    assert.deepEqual(faultsOf('referral', body), []);
    const { organizationId, organizationName, target } = examples.connected;
    assert.deepEqual(
      [body['organizationId'], body['organizationName'], body['target']],
      [organizationId, organizationName, target],
    );
  });

  it('the documented private body has it but for the capitals of its consent', () => {
    assert.equal(faultsOf('referral', examples.private).filter((fault) => /additional/.test(fault)).length, 3);
    const consent = Object.entries(examples.private.consent).map(([key, value]) => [
      `${key[0]?.toLowerCase()}${key.slice(1)}`,
      value,
    ]);
    assert.deepEqual(faultsOf('referral', { ...examples.private, consent: Object.fromEntries(consent) }), []);
  });

  const { shared } = examples;
  const wrong: readonly (readonly [string, Kind, Json])[] = [
    ['a key in capitals', 'referral', { ...shared, ExternalReferenceId: 'x' }],
    [
      'consent with one To',
      'referral',
      { ...shared, consent: { consentToShareInfoWithOthers: true, consentToContact: true } },
    ],
    ['consent as text', 'referral', { ...shared, consent: { ...shared.consent, consentToContact: 'true' } }],
    ['a value as text', 'referral', { ...shared, details: { ...shared.details, dealValue: '50000' } }],
    ['a day without a time', 'referral', { ...shared, details: { ...shared.details, closingDateTime: '2027-03-31' } }],
    ['the type by its name in the table', 'referral', { ...shared, referralType: 'Shared' }],
    ['a size of its own', 'referral', { ...shared, customerProfile: { ...shared.customerProfile, size: 'large' } }],
    [
      'a country by its name',
      'referral',
      { ...shared, customerProfile: { name: 'x', address: { country: 'Portugal' } } },
    ],
    ['a status without its substatus', 'referral', { ...shared, substatus: undefined }],
    ['a substatus of another status', 'referral', { ...shared, substatus: 'Won' }],
    ['a partial object as a patch', 'patch', [{ status: 'Closed' }]],
    ['a patch that moves', 'patch', [{ op: 'move', path: '/team/-', value: 'x' }]],
    ['a patch of one status alone', 'patch', [{ op: 'replace', path: '/status', value: 'Closed' }]],
    ['a patched value as a number', 'patch', [{ op: 'replace', path: '/details/dealValue', value: 10_000 }]],
    [
      'a report over plain http',
      'registration',
      { WebhookUrl: 'http://a.example/', WebhookEvents: ['referral-created'] },
    ],
    [
      'a report of what is never told',
      'registration',
      { WebhookUrl: 'https://a.example/', WebhookEvents: ['related'] },
    ],
  ];
  for (const [name, kind, body] of wrong)
    it(`would notice ${name}`, () => assert.notDeepEqual(faultsOf(kind, JSON.parse(JSON.stringify(body))), []));
});

describe('the choices of a deal', () => {
  const lists: readonly (readonly [string, string, readonly string[]])[] = [
    ['sizes', 'CustomerSize', []],
    ['industries', 'Industries', []],
    ['products', 'Products', []],
    ['services', 'Services', []],
    ['solutions', 'SolutionsCategory', []],
    // Nobody asks for unknown help.
    ['assistance', 'AssistanceRequestCode', ['Unknown']],
  ];
  for (const [name, vector, but] of lists)
    it(`${name} are the published ones, each once`, () => {
      const ids: string[] = choices[name].map(({ id }: { id: string }) => id);
      assert.deepEqual(ids.toSorted(), enums[vector].filter((id: string) => !but.includes(id)).toSorted());
    });

  it('no choice is named in the code', () => {
    const src = join(root, 'src');
    // The sandbox stands in for the service, which knows what it takes.
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('sandbox'),
    );
    const ids: string[] = lists.flatMap(([name]) => choices[name].map(({ id }: { id: string }) => id));
    const named = files.flatMap((file) => {
      const text = readFileSync(join(src, file), 'utf8');
      return ids
        .filter((id) => ["'", '"', '`'].some((mark) => text.includes(mark + id + mark)))
        .map((id) => `${file}: ${id}`);
    });
    assert.deepEqual(named, []);
  });
});

describe('the drafts the project was asked for', () => {
  const every = 'referralNew/co-sell-with-every-field-of-the-form';

  /** A place like `invite.target.0.id` in the calls and the outcome of a golden. */
  function placeIn(file: string, place: string): Json {
    const calls = sentIn(`${file}.json`);
    const { then } = read('test', 'golden', `${file}.json`);
    const bodies = Object.fromEntries(calls.map(({ name, body }) => [name, body]));
    const all = { ...bodies, outcome: then.requests[0].outcome };
    return place.split('.').reduce((at: Json, part) => at?.[part], all);
  }

  for (const { seed, field, now, golden: file = every, why } of drafts.fields)
    it(`${seed}: ${field} ${now ? `is at ${now}` : 'is gone'}`, () => {
      if (now === undefined) return assert.ok(why);
      const [name, method] = now.split(' ');
      if (method) return assert.ok(sentIn(`${file}.json`).some((one) => one.name === name && one.method === method));
      const found = placeIn(file, now);
      assert.ok(found !== undefined && found !== null && found !== '', `${file} has no ${now}`);
    });
});
