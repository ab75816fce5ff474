/** What Partner Center tells of a referral: an id and a time are taken from it, and nothing to follow. */
import assert from 'node:assert/strict';
import { keyOf, type ReferralNotice, readReferralNotice } from '../../src/requests/referralNotices.ts';

const ID = 'b2a8e9d4-0f5c-4f9e-8f6a-1c2d3e4f5a6b';
const API = 'https://api.partnercenter.microsoft.com/engagements/v1/referrals';
/** As the documentation shows it. */
const told = (more: Record<string, unknown> = {}) => ({
  EventName: 'referral-created',
  ResourceUri: `${API}/${ID}`,
  ResourceName: 'referral',
  AuditUri: null,
  ResourceChangeUtcDate: '2018-02-17T00:05:39.5485487+00:00',
  ...more,
});
const AT = Date.UTC(2018, 1, 17, 0, 5, 39, 548);

function read(more: Record<string, unknown>): ReferralNotice {
  const notice = readReferralNotice(told(more));
  assert.ok(notice !== null && notice !== 'unknown', JSON.stringify(more));
  return notice;
}

describe('a notice of Partner Center', () => {
  it('says what happened, to which referral, and when', () => {
    assert.deepEqual(read({}), { event: 'created', referralId: ID, changedAt: AT });
    assert.deepEqual(read({ EventName: 'referral-updated' }), { event: 'updated', referralId: ID, changedAt: AT });
  });

  it('may have its event in any letters', () => {
    for (const name of ['Referral-Created', 'REFERRAL-CREATED', ' referral-created '])
      assert.equal(read({ EventName: name }).event, 'created');
  });

  it('of a test is about no referral', () => {
    const ResourceUri = 'http://localhost:16722/v1/webhooks/registration/test';
    assert.deepEqual(read({ EventName: 'test-created', ResourceUri }), {
      event: 'test',
      referralId: null,
      changedAt: AT,
    });
  });

  it('of another event is unknown, whatever else it says', () => {
    for (const name of ['subscription-updated', 'related-referral-created', 'referral-deleted', 'created', 'toString'])
      assert.equal(readReferralNotice(told({ EventName: name })), 'unknown');
    assert.equal(readReferralNotice({ EventName: '__proto__' }), 'unknown');
  });

  it('gives an id alone: host, scheme and path of its address do not count', () => {
    for (const uri of [
      `https://evil.example/${ID}`,
      `http://169.254.169.254/latest/${ID}`,
      `file:///etc/${ID}`,
      `${API}/${ID}?api-version=1#top`,
      `/referrals/${ID}`,
      ID,
    ])
      assert.equal(read({ ResourceUri: uri }).referralId, ID, uri);
    assert.equal(read({ ResourceUri: `${API}/REF-12_x` }).referralId, 'REF-12_x');
  });

  it('without an id that could be one cannot be understood', () => {
    for (const uri of [
      '',
      '/',
      `${API}/`,
      `${API}/${ID}/`,
      `${API}/..`,
      `${API}/a%2Fb`,
      `${API}/a b`,
      `${API}/a\\b`,
      `${API}/${ID}\n`,
      `${API}/${'x'.repeat(101)}`,
      `${API}/?id=${ID}`,
      'x'.repeat(3000),
      null,
      7,
      [ID],
      undefined,
    ])
      assert.equal(readReferralNotice(told({ ResourceUri: uri })), null, String(uri).slice(0, 200));
  });

  it('has a time with a zone, or in UTC', () => {
    for (const [text, at] of [
      ['2018-02-17T00:05:39Z', AT - 548],
      ['2018-02-17T00:05:39.5485487', AT],
      ['2018-02-17t00:05:39.548z', AT],
      ['2018-02-17T02:05:39.548+02:00', AT],
    ] as const)
      assert.equal(read({ ResourceChangeUtcDate: text }).changedAt, at, text);
  });

  it('without a time cannot be understood', () => {
    for (const text of [
      '',
      'now',
      '2018-02-17',
      '2018-02-30T99:00:00Z',
      '17 Feb 2018 00:05:39 GMT',
      '2018-02-17T00:05:39.5485487+00:00 ',
      1518825939548,
      null,
      undefined,
    ])
      assert.equal(readReferralNotice(told({ ResourceChangeUtcDate: text })), null, String(text));
  });

  it('that is no notice cannot be understood', () => {
    for (const json of [null, undefined, 7, 'text', [], [told()], {}, { eventName: 'referral-created' }])
      assert.equal(readReferralNotice(json), null);
    for (const name of ['', null, 7, ['referral-created'], 'x'.repeat(300)])
      assert.equal(readReferralNotice(told({ EventName: name })), null);
  });

  it('has the same key as one that says the same, and no other', () => {
    const one = read({});
    assert.equal(keyOf(one), keyOf(read({ AuditUri: 'x' })));
    const others = [
      read({ EventName: 'referral-updated' }),
      read({ ResourceUri: 'x' }),
      read({ ResourceChangeUtcDate: '2018-02-17T00:05:40Z' }),
    ];
    assert.equal(new Set([one, ...others].map(keyOf)).size, 4);
  });
});
