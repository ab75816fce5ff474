/**
 * The small parts deals are read with: people of a deal, countries, choices, days, the token of a next page, and the field
 * a refusal is about.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readAnyDay, readDay } from '../../src/capabilities/days.ts';
import { listCall, pagesOf, skipTokenOf } from '../../src/capabilities/referral/calls.ts';
import { chosenIn, offered, titleOf } from '../../src/capabilities/referral/choices.ts';
import { countryCode } from '../../src/capabilities/referral/countries.ts';
import { fieldAt } from '../../src/capabilities/referral/faults.ts';
import { readMembers, textOf } from '../../src/capabilities/referral/members.ts';
import { howOf, newDealFields } from '../../src/capabilities/referral/newDeal.ts';
import type { Answer, Reply } from '../../src/requests/capability.ts';
import { SETTINGS } from '../support/settings.ts';

const choices = SETTINGS.referralChoices;

describe('the people of a deal', () => {
  const shown = (text: string, country: string | null = null): string[] => {
    const { members, faults } = readMembers(text, country);
    return [
      ...members.map((one) => [one.firstName, one.lastName, one.email, one.phoneNumber].filter(Boolean).join('|')),
      ...faults.map(({ key }) => `! ${key}`),
    ];
  };
  const cases: readonly [string, string | null, readonly string[]][] = [
    ['Sue Smith <sue@contoso.example> +1 425 555 0100', null, ['Sue|Smith|sue@contoso.example|+14255550100']],
    ['Sue Smith <sue@contoso.example> (425) 555-0100', 'US', ['Sue|Smith|sue@contoso.example|+14255550100']],
    ['Sue Smith <sue@contoso.example> 210 000 000', 'PT', ['Sue|Smith|sue@contoso.example|+351210000000']],
    ['sue@contoso.example tel:+14255550100', null, ['sue|sue|sue@contoso.example|+14255550100']],
    ['sue.smith@contoso.example', null, ['sue|smith|sue.smith@contoso.example']],
    ['Ana van der Berg <ana@contoso.example>', null, ['Ana|van der Berg|ana@contoso.example']],
    ['Sue <sue@a.example>\nBo Berg <bo@b.example>', null, ['Sue|Sue|sue@a.example', 'Bo|Berg|bo@b.example']],
    ['Sue <sue@a.example>; Bo <bo@b.example>', null, ['Sue|Sue|sue@a.example', 'Bo|Bo|bo@b.example']],
    ['sue@a.example\nSUE@a.example', null, ['sue|sue|sue@a.example']],
    ['sue+deals@a.example', null, ['sue+deals|sue+deals|sue+deals@a.example']],
    ['', null, []],
    ['nobody', null, ['! referral.members.unreadable']],
    ['a@a.example, b@b.example', null, ['! referral.members.unreadable']],
    ['Et Aa <et@a.example>', null, ['Et|Aa|et@a.example']],
    ['Sue <sue@contoso>', null, ['Sue|Sue|sue@contoso', '! guest.address.shape']],
    [
      'Sue Smith <sue@contoso.example> 425 555 0100',
      null,
      ['Sue|Smith|sue@contoso.example', '! referral.members.phone'],
    ],
  ];
  for (const [text, country, meant] of cases)
    it(`${JSON.stringify(text)}${country ? ` in ${country}` : ''} is ${meant.join(', ') || 'nobody'}`, () =>
      assert.deepEqual(shown(text, country), meant));

  it('are the same again after they were written out', () => {
    const word = fc.stringMatching(/^[A-Z][a-z]{1,8}$/);
    const member = fc.record({
      firstName: word,
      lastName: word,
      email: fc.stringMatching(/^[a-z]{1,8}[0-9]{0,2}$/).map((user) => `${user}@contoso.example`),
      phone: fc.option(fc.integer({ min: 2_000_000, max: 9_999_999 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(member, { selector: ({ email }) => email, maxLength: 8 }), (people) => {
        const members = people.map(({ phone, ...one }) => ({
          ...one,
          ...(phone ? { phoneNumber: `+1425${phone}` } : {}),
        }));
        assert.deepEqual(readMembers(members.map(textOf).join('\n'), null), { members, faults: [] });
      }),
    );
  });

  it('no text makes them slow or throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        readMembers(text, 'PT');
      }),
    );
    for (const piece of ['1', '1 ', '(1', 'a@', '+1-', ' .']) {
      const before = process.cpuUsage();
      readMembers(piece.repeat(2000 / piece.length), 'US');
      const { user } = process.cpuUsage(before);
      assert.ok(user < 1_000_000, `${JSON.stringify(piece)}: ${user} µs`);
    }
  });
});

describe('a country', () => {
  const cases: readonly [string, string | null][] = [
    ['Portugal', 'PT'],
    [' portugal ', 'PT'],
    ['pt', 'PT'],
    ['USA', 'US'],
    ['United States', 'US'],
    ['UK', 'GB'],
    ['Germany', 'DE'],
    ['DE', 'DE'],
    ['DD', null],
    ['ZZ', null],
    ['Atlantis', null],
    ['', null],
  ];
  for (const [typed, code] of cases)
    it(`${JSON.stringify(typed)} is ${code ?? 'none'}`, () => assert.equal(countryCode(typed), code));
});

describe('a choice', () => {
  const lists = [choices.sizes, choices.industries, choices.products, choices.services, choices.solutions];

  it('is understood as it is offered, by its id and by its title', () => {
    for (const list of [...lists, choices.assistance])
      for (const [n, one] of list.entries())
        for (const typed of [offered(list)[n]?.value ?? '', one.id, titleOf(one), titleOf(one).toUpperCase()])
          assert.equal(chosenIn(list, typed)?.id, one.id, typed);
  });

  it('is offered with a value that has no comma, since commas join them', () => {
    for (const list of lists) for (const { value } of offered(list)) assert.ok(!value.includes(','), value);
  });

  it('is understood by its beginning when only one begins so', () => {
    assert.equal(chosenIn(choices.products, 'power')?.id, choices.products.find(({ id }) => /^power/i.test(id))?.id);
    assert.equal(chosenIn(choices.solutions, 'd'), null);
    assert.equal(chosenIn(choices.products, 'nothing of it'), null);
    assert.equal(chosenIn(choices.products, ' , '), null);
  });

  for (const [typed, how] of [
    ['private', 'private'],
    ['Private', 'private'],
    ['partner-led', 'partnerLed'],
    ['partner led', 'partnerLed'],
    ['co-sell', 'coSell'],
    ['cosell with Microsoft', 'coSell'],
    ['public', null],
    ['', null],
  ] as const)
    it(`${JSON.stringify(typed)} is ${how ?? 'no way to share'}`, () => assert.equal(howOf(typed), how));
});

describe('a day of a deal', () => {
  const around = {
    requester: { id: 'a', name: 'Rita', locale: 'en', timeZone: 'Europe/Lisbon' },
    place: { kind: 'personal', conversationId: 'a', serviceUrl: '', tenantId: 't', botId: 'b', userId: 'u' },
    now: Date.parse('2026-11-20T09:00:00Z'),
  } as const;

  it('that is over is told apart from one that cannot be read', () => {
    assert.deepEqual(readDay('2026-11-19', around), { wrong: 'past', was: '2026-11-19' });
    assert.deepEqual(readDay('2026-11-20', around), { day: '2026-11-20' });
    assert.deepEqual(readDay('2026-02-31', around), { wrong: 'unreadable' });
    assert.deepEqual(readDay('some day', around), { wrong: 'unreadable' });
  });

  const cases: readonly [string, boolean, string | null][] = [
    ['2026-11-01', true, '2026-11-01'],
    ['1 Nov 2026', true, '2026-11-01'],
    ['1 Nov 2027', true, '2027-11-01'],
    ['15 Nov', true, '2026-11-15'],
    ['15 Nov', false, '2027-11-15'],
    ['22 Nov', true, '2026-11-22'],
    ['tomorrow', true, '2026-11-21'],
    ['yesterday', true, '2026-11-19'],
    ['2026-02-31', true, null],
    ['some day', false, null],
  ];
  for (const [typed, hasBeen, day] of cases)
    it(`${typed} ${hasBeen ? 'of what has been' : 'of what is to be'} is ${day ?? 'none'}`, () =>
      assert.equal(readAnyDay(typed, around, hasBeen), day));
});

describe('the next page', () => {
  const cases: readonly [string | null | undefined, string | undefined][] = [
    ['http://api.partner.microsoft.com/v1.0/referrals?$skiptoken=k181pEdP0ykypki%2fEXAMPLE', 'k181pEdP0ykypki/EXAMPLE'],
    ['https://a.example/?%24SkipToken=x', 'x'],
    ['/v1.0/referrals?$top=5&$skiptoken=x', 'x'],
    ['//evil.example/?$skiptoken=x', 'x'],
    ['https://a.example/?$top=5', undefined],
    ['https://a.example/?$skiptoken=', undefined],
    ['https://a.example/#$skiptoken=x', undefined],
    ['http://[', undefined],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
  ];
  for (const [link, token] of cases)
    it(`of ${link} has the token ${token}`, () => assert.equal(skipTokenOf(link), token));

  it('is asked for with the token and nothing else of the link', () => {
    const word = fc.stringMatching(/^[a-z]{6,12}$/);
    fc.assert(
      fc.property(word, word, word, word, fc.string(), fc.boolean(), (host, user, path, other, token, isSecure) => {
        fc.pre(token !== '');
        const link = `${isSecure ? 'https' : 'http'}://${user}@${host}.example:8443/${path}?${other}=1&$skiptoken=${encodeURIComponent(token)}`;
        const call = listCall(
          'list',
          { filter: "status eq 'New'", orderBy: 'updatedDateTime desc' },
          skipTokenOf(link),
        );
        assert.equal(call.to, 'partnerCenter');
        const url = new URL(`https://api.partner.microsoft.com/v1.0${call.path}`);
        assert.equal(url.host, 'api.partner.microsoft.com');
        assert.equal(url.pathname, '/v1.0/engagements/referrals');
        assert.deepEqual(Object.fromEntries(url.searchParams), {
          $filter: "status eq 'New'",
          $orderby: 'updatedDateTime desc',
          $skiptoken: token,
        });
      }),
    );
  });

  it('no link makes it throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true })), (link) => {
        skipTokenOf(link);
      }),
    );
  });

  const answer = (n: number, body: Record<string, unknown>): Answer => {
    const reply: Reply = { ok: true, body };
    return { n, call: listCall('list', {}), sentAt: 0, heardAt: 0, reply };
  };

  it('is left alone once enough is known, and everything that was read is kept', () => {
    const first = answer(0, {
      value: [{ id: 'a', status: 'New' }],
      '@odata.nextLink': 'https://x.example/?$skiptoken=a',
    });
    assert.ok('call' in pagesOf('list', {}, [first]));
    const enough = pagesOf('list', {}, [first], ({ value }) => value.length === 1);
    assert.deepEqual('deals' in enough && enough.deals.map(({ id }) => id), ['a']);
  });

  it('that leads back is not followed', () => {
    const link = 'https://x.example/?$skiptoken=a';
    const pages = [0, 1].map((n) => answer(n, { value: [{ id: `${n}`, status: 'New' }], '@odata.nextLink': link }));
    const read = pagesOf('list', {}, pages);
    assert.deepEqual('deals' in read && read.deals.map(({ id }) => id), ['0', '1']);
  });
});

describe('the field a refusal is about', () => {
  const cases: readonly [string, string | null][] = [
    ['customerProfile.name', 'customer'],
    ['customerProfile.size', 'size'],
    ['customerProfile.address.country', 'country'],
    ['customerProfile.address.addressLine1', 'addressLine1'],
    ['customerProfile.address.addressLine2', 'addressLine2'],
    ['customerProfile.address.city', 'city'],
    ['customerProfile.address.state', 'state'],
    ['customerProfile.address.postalCode', 'postalCode'],
    ['customerProfile.team[0].email', 'contacts'],
    ['customerProfile.team', 'contacts'],
    ['team[1].phoneNumber', 'team'],
    ['/team/-', 'team'],
    ['details.dealValue', 'value'],
    ['/details/dealValue', 'value'],
    ['details.currency', 'value'],
    ['details.closingDateTime', 'close'],
    ['details.notes', 'notes'],
    ['details.requirements.industries[0].id', 'industries'],
    ['details.requirements.products', 'products'],
    ['details.requirements.services', 'services'],
    ['details.requirements.solutions[2].id', 'solutions'],
    ['target[0].id', 'solutionId'],
    ['externalReferenceId', 'reference'],
    ['inviteContext.assistanceRequestCode', 'assistance'],
    ['inviteContext.notes', 'noteToMicrosoft'],
    ['consent.consentToToShareInfoWithOthers', 'consentShare'],
    ['consent.ConsentToContact', 'consentContact'],
    ['consent.consentToMicrosoftToContactSpecificPartners', 'consentPartners'],
    ['consent.consentToShareReferralWithMicrosoftSellers', 'how'],
    ['type', 'how'],
    ['name', 'name'],
    ['statusReason', 'reason'],
    ['$.details.dealValue', 'value'],
    ['Referral.Details.DealValue', 'value'],
    ['referral', null],
    ['status', null],
    ['qualification', null],
    ['details.requirements.offers', null],
    ['', null],
  ];
  for (const [at, field] of cases)
    it(`${at || 'nothing'} is ${field ?? 'no field'}`, () => assert.equal(fieldAt(at), field));

  it('can be every field of a new deal that is sent', () => {
    const named = new Set(cases.map(([, field]) => field));
    const missing = newDealFields(choices).filter(({ name, kind }) => kind !== 'hidden' && !named.has(name));
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });
});
