import { failure, success } from '../result.ts';
import type { Result } from '../result.ts';

declare const pciAddressBrand: unique symbol;

/**
 * A PCI function by its address, in the one form sysfs uses: `dddd:bb:dd.f`, lower-case hexadecimal, the domain with
 * at least four digits and more only when it needs them (Intel VMD numbers its domains from 10000 up,
 * drivers/pci/controller/vmd.c). Two addresses name the same function exactly when the strings are equal.
 */
export type PciAddress = string & { readonly [pciAddressBrand]: true };

export interface PciAddressParts {
  /** 0 to ffffffff. On s390x with UID checking this is the UID. */
  readonly domain: number;
  /** 0 to ff. */
  readonly bus: number;
  /** 0 to 1f. */
  readonly device: number;
  /** 0 to 7. */
  readonly function: number;
}

// No `$` without the length check below: the expression is anchored on both sides and takes no line breaks.
const addressPattern = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-9a-f])$/i;
const longestAddress = 'ffffffff:ff:1f.7'.length;

const maximum: PciAddressParts = { domain: 0xffff_ffff, bus: 0xff, device: 0x1f, function: 7 };

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const canonical = (parts: PciAddressParts): PciAddress =>
  `${hex(parts.domain, 4)}:${hex(parts.bus, 2)}:${hex(parts.device, 2)}.${parts.function}` as PciAddress;

/** What was asked for may come from anywhere: it is shown shortened and with its control characters spelt out. */
const quoted = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

const partIsValid = (value: number, highest: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= highest;

const outOfRange = (parts: PciAddressParts): keyof PciAddressParts | undefined => {
  for (const name of ['domain', 'bus', 'device', 'function'] as const) {
    if (!partIsValid(parts[name], maximum[name])) return name;
  }
  return undefined;
};

/**
 * Accepts `0000:01:00.0`, `01:00.0` (domain 0) and upper case; answers the canonical form. Anything else, also with a
 * blank at either end, is `malformedInput`: an address becomes part of a sysfs path, so nothing is guessed here.
 */
export const parsePciAddress = (text: string): Result<PciAddress> => {
  const match = text.length <= longestAddress ? addressPattern.exec(text) : null;
  if (match === null) {
    return failure('malformedInput', `${quoted(text)} is not a PCI address; write it like 0000:01:00.0.`);
  }
  const parts: PciAddressParts = {
    domain: Number.parseInt(match[1] ?? '0', 16),
    bus: Number.parseInt(match[2] ?? '', 16),
    device: Number.parseInt(match[3] ?? '', 16),
    function: Number.parseInt(match[4] ?? '', 16),
  };
  return formatPciAddress(parts);
};

/** The address of these parts; `malformedInput` when a part is not an integer in its range. */
export const formatPciAddress = (parts: PciAddressParts): Result<PciAddress> => {
  const wrong = outOfRange(parts);
  if (wrong !== undefined) {
    return failure(
      'malformedInput',
      `The ${wrong} of a PCI address goes from 0 to ${maximum[wrong].toString(16)} (hexadecimal).`,
      { details: { part: wrong, value: parts[wrong] } },
    );
  }
  return success(canonical(parts));
};

export const partsOf = (address: PciAddress): PciAddressParts => {
  const functionAt = address.length - 1;
  return {
    domain: Number.parseInt(address.slice(0, functionAt - 7), 16),
    bus: Number.parseInt(address.slice(functionAt - 6, functionAt - 4), 16),
    device: Number.parseInt(address.slice(functionAt - 3, functionAt - 1), 16),
    function: Number.parseInt(address.slice(functionAt), 16),
  };
};

/** Negative, zero or positive, by domain, bus, device, function. The order of text is wrong above domain ffff. */
export const compareAddresses = (left: PciAddress, right: PciAddress): number => {
  const [a, b] = [partsOf(left), partsOf(right)];
  return a.domain - b.domain || a.bus - b.bus || a.device - b.device || a.function - b.function;
};

/** The requester id that AER and DPC source registers hold: bus in 15:8, device in 7:3, function in 2:0. */
export const requesterIdOf = (address: PciAddress): number => {
  const parts = partsOf(address);
  return (parts.bus << 8) | (parts.device << 3) | parts.function;
};

/** The function with this requester id (16 bits) in the domain of the port that logged it. */
export const addressOfRequesterId = (domain: number, requesterId: number): Result<PciAddress> =>
  formatPciAddress({
    domain,
    bus: requesterId >>> 8,
    device: (requesterId >>> 3) & 0x1f,
    function: requesterId & 7,
  });
