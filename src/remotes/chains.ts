/**
 * Finds the way from a certificate to a root that is trusted, and judges every step of it. Node does this only for a TLS
 * connection, so it is done here from the parts it offers. Whether a certificate was revoked is not looked up: those it is
 * used for are fetched afresh from their owner, again and again.
 * Must not know who has signed what, or why this certificate is asked for. Source: RFC 5280 §6.
 */
import type { Certificate } from './certificates.ts';

/** `until`: when the first certificate on the way ends, epoch ms. `unavailable`: one could not be fetched just now. */
export type Way = { readonly until: number } | 'refused' | 'unavailable';

export interface ChainParts {
  readonly roots: readonly Certificate[];
  /** Certificates that came with the first one, in any order. */
  readonly others: readonly Certificate[];
  /** The certificates at the address where one says its issuer is; null: that address is not one to go to. Rejects when it cannot be read. */
  readonly fetchIssuers: (url: string) => Promise<readonly Certificate[] | null>;
  readonly now: number;
}

/** Certificates on a way, both ends included. Microsoft's own has three or four. */
const MOST_ON_WAY = 5;

/** The way from this certificate up. That it may itself sign what it signed is for the caller to judge. */
export function findWay(certificate: Certificate, parts: ChainParts): Promise<Way> {
  return climb([certificate], parts);
}

async function climb(way: readonly [Certificate, ...Certificate[]], parts: ChainParts): Promise<Way> {
  const { roots, others, fetchIssuers, now } = parts;
  if (way.length >= MOST_ON_WAY) return 'refused';
  const child = way.at(-1) as Certificate;
  const below = way.length - 1;
  const root = roots.find((one) => hasIssued(one, child, below, now));
  if (root) return { until: Math.min(root.to, ...way.map(({ to }) => to)) };
  let answer: Way = 'refused';
  const goOn = async (candidates: readonly Certificate[]): Promise<Way | null> => {
    for (const next of candidates) {
      const isNew = !way.some(({ x509 }) => x509.fingerprint256 === next.x509.fingerprint256);
      if (!isNew || !next.mayServe || !hasIssued(next, child, below, now)) continue;
      const found = await climb([...way, next], parts);
      if (typeof found === 'object') return found;
      if (found === 'unavailable') answer = found;
    }
    return null;
  };
  const found = await goOn(others);
  if (found) return found;
  for (const url of child.issuerUrls.slice(0, 2)) {
    const fetched = await fetchIssuers(url).catch(() => 'unavailable' as const);
    if (fetched === 'unavailable') answer = fetched;
    else if (fetched) {
      const further = await goOn(fetched);
      if (further) return further;
    }
  }
  return answer;
}

/** Whether one is an authority in its time, has signed the other, and may have so many authorities below it. */
function hasIssued(issuer: Certificate, child: Certificate, below: number, now: number): boolean {
  return (
    issuer.x509.ca &&
    isInTime(issuer, now) &&
    issuer.isKeyStrong &&
    !issuer.insists &&
    (issuer.pathLength === null || issuer.pathLength >= below) &&
    child.isWellSigned &&
    // Names, key ids, and that the issuer's key may sign certificates.
    child.x509.checkIssued(issuer.x509) &&
    isSignedBy(child, issuer)
  );
}

export const isInTime = ({ from, to }: Certificate, now: number): boolean => from <= now && now <= to;

function isSignedBy(child: Certificate, { key }: Certificate): boolean {
  try {
    return child.x509.verify(key);
  } catch {
    // A key of another kind than the signature.
    return false;
  }
}
