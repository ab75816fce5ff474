/**
 * Reads an OData `$filter` into a predicate: the part of the language that Graph's user and group lists support
 * (Graph docs, query-parameters and resources/user). Must not know any property name or record.
 */

/** A filter this sandbox, or Graph, does not answer. `code` is Graph's. */
export class FilterFault extends Error {
  readonly code: 'Request_UnsupportedQuery' | 'BadRequest';
  constructor(code: 'Request_UnsupportedQuery' | 'BadRequest', message: string) {
    super(message);
    this.code = code;
  }
}

/** What may be asked about each property: a single value, or a collection that needs `any`. */
export type Filterable = Readonly<Record<string, 'value' | 'collection'>>;
type Row = Readonly<Record<string, unknown>>;
type Value = string | number | boolean | null;
type Test = (row: Row, variable: Value) => boolean;

const tokenPattern = /\s*(?:'((?:[^']|'')*)'|([A-Za-z_][\w.]*|\d[\w:.+-]*)|([(),:/]))/y;
/** One piece of a filter. */
export type Token = { kind: 'text' | 'word' | 'mark'; value: string };

/** Cuts a filter into quoted texts, words and marks. */
export function tokens(source: string): Token[] {
  const found: Token[] = [];
  const text = source.trim();
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const at = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (!match)
      throw new FilterFault('BadRequest', `Invalid filter clause: syntax error at position ${at} in '${text}'.`);
    if (match[1] !== undefined) found.push({ kind: 'text', value: match[1].replaceAll("''", "'") });
    else if (match[2] !== undefined) found.push({ kind: 'word', value: match[2] });
    else found.push({ kind: 'mark', value: match[3] ?? '' });
  }
  return found;
}

const fold = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : (value ?? null));

const comparisons: Record<string, (a: unknown, b: unknown) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  ge: (a, b) => a !== null && b !== null && String(a) >= String(b),
  le: (a, b) => a !== null && b !== null && String(a) <= String(b),
};
const functions: Record<string, (a: string, b: string) => boolean> = {
  startswith: (a, b) => a.startsWith(b),
  endswith: (a, b) => a.endsWith(b),
};

/**
 * Compiles a decoded filter. Text compares without case. `advanced` says that the caller sent
 * `ConsistencyLevel: eventual` and `$count=true`, without which Graph refuses `endsWith`.
 */
export function compileFilter(source: string, filterable: Filterable, advanced = false): (row: Row) => boolean {
  const list = tokens(source);
  let at = 0;
  const unsupported = (what: string) =>
    new FilterFault('Request_UnsupportedQuery', `Unsupported or invalid query filter clause specified: ${what}.`);
  const invalid = (what: string) => new FilterFault('BadRequest', `Invalid filter clause: ${what} in '${source}'.`);
  const peek = (value: string) => list[at]?.kind !== 'text' && list[at]?.value.toLowerCase() === value;
  const accept = (value: string) => {
    if (!peek(value)) return false;
    at += 1;
    return true;
  };
  const expect = (value: string) => {
    if (!accept(value)) throw invalid(`'${value}' expected`);
  };
  const word = () => {
    const token = list[at];
    if (token?.kind !== 'word') throw invalid('a name expected');
    at += 1;
    return token.value;
  };
  const literal = (): Value => {
    const token = list[at];
    if (!token || token.kind === 'mark') throw invalid('a value expected');
    at += 1;
    if (token.kind === 'text') return token.value;
    const known: Record<string, Value> = { null: null, true: true, false: false };
    const value = token.value.toLowerCase();
    return value in known ? (known[value] ?? null) : token.value;
  };
  const reader = (name: string, variable: string | null) => {
    if (name === variable) return (_row: Row, value: Value) => value;
    const key = Object.keys(filterable).find((one) => one.toLowerCase() === name.toLowerCase());
    if (!key || filterable[key] !== 'value') throw unsupported(`property '${name}'`);
    return (row: Row) => row[key];
  };

  function operand(variable: string | null): Test {
    if (accept('not')) {
      const inner = operand(variable);
      return (row, value) => !inner(row, value);
    }
    if (accept('(')) {
      const inner = either(variable);
      expect(')');
      return inner;
    }
    const name = word();
    if (peek('(')) return call(name, variable);
    if (accept('/')) return any(name);
    const read = reader(name, variable);
    const operator = word().toLowerCase();
    if (operator === 'in') {
      expect('(');
      const wanted = [fold(literal())];
      while (accept(',')) wanted.push(fold(literal()));
      expect(')');
      return (row, value) => wanted.includes(fold(read(row, value)) as never);
    }
    const compare = comparisons[operator];
    if (!compare) throw unsupported(`operator '${operator}'`);
    const wanted = fold(literal());
    return (row, value) => compare(fold(read(row, value)), wanted);
  }

  function call(name: string, variable: string | null): Test {
    const run = functions[name.toLowerCase()];
    if (!run) throw unsupported(`function '${name}'`);
    if (name.toLowerCase() === 'endswith' && !advanced) throw unsupported("operator 'endsWith' needs ConsistencyLevel");
    expect('(');
    const read = reader(word(), variable);
    expect(',');
    const wanted = fold(literal());
    expect(')');
    return (row, value) => {
      const found = fold(read(row, value));
      return typeof found === 'string' && typeof wanted === 'string' && run(found, wanted);
    };
  }

  function any(name: string): Test {
    const key = Object.keys(filterable).find((one) => one.toLowerCase() === name.toLowerCase());
    if (!key || filterable[key] !== 'collection') throw unsupported(`collection '${name}'`);
    if (!accept('any')) throw unsupported(`'${name}' without any`);
    expect('(');
    const variable = word();
    expect(':');
    const inner = either(variable);
    expect(')');
    return (row) => {
      const values = row[key];
      return Array.isArray(values) && values.some((value) => inner(row, value as Value));
    };
  }

  function both(variable: string | null): Test {
    let left = operand(variable);
    while (accept('and')) {
      const [first, second] = [left, operand(variable)];
      left = (row, value) => first(row, value) && second(row, value);
    }
    return left;
  }

  function either(variable: string | null): Test {
    let left = both(variable);
    while (accept('or')) {
      const [first, second] = [left, both(variable)];
      left = (row, value) => first(row, value) || second(row, value);
    }
    return left;
  }

  const whole = either(null);
  if (at < list.length) throw invalid(`'${list[at]?.value}' not expected`);
  return (row) => whole(row, null);
}
