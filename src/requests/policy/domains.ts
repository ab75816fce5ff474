/**
 * Domains as a policy compares them: without case, international names in their ASCII form, and each with all its
 * subdomains. Pure; must not know what a match means.
 */
import { domainToASCII } from 'node:url';

/** The domain of an address in ASCII and lower case; empty when it has none. */
export function domainOf(address: string): string {
  return ascii(address.slice(address.lastIndexOf('@') + 1));
}

/** Which of the listed domains this one is, or lies below: the first that fits, or null. */
export function listedDomain(domain: string, listed: readonly string[]): string | null {
  const asked = ascii(domain);
  if (asked === '') return null;
  return (
    listed.find((one) => {
      const base = ascii(one.replace(/^\*\./, ''));
      return base !== '' && (asked === base || asked.endsWith(`.${base}`));
    }) ?? null
  );
}

const ascii = (domain: string): string => domainToASCII(domain.trim().replace(/\.+$/, '')).toLowerCase();
