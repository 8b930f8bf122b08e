/** What lspci prints before the first capability. */
import type { GroupRule, Phrase } from './lspci-rules.ts';
import type { Lookup } from './lspci-lookup.ts';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const isWide = (lookup: Lookup, index: number): boolean =>
  lookup.value(`Region ${index}`, 'ioSpace') === 0 && lookup.value(`Region ${index}`, 'memoryType') === 2;

/** BARs 0 to 5 (0 and 1 in a bridge); the second half of a 64-bit one belongs to the first. */
const region = (index: number): GroupRule => ({
  phrases: [
    (lookup) => {
      const label = `Region ${index}`;
      const whole = lookup.whole(label);
      const command = lookup.whole('Control');
      if (lookup.value(label, 'ioSpace') === 1) {
        return `I/O ports at ${hex((whole & ~3) >>> 0, 4)}${(command & 1) === 0 ? ' [disabled]' : ''}`;
      }
      // lspci shows the upper half once more, as a BAR without an address.
      const half = index > 0 && isWide(lookup, index - 1);
      const upper = lookup.value(label, 'memoryType') === 2 ? lookup.whole(`Region ${index + 1}`) : 0;
      const address = half ? 0n : BigInt(upper) * 0x1_0000_0000n + BigInt((whole & ~0xf) >>> 0);
      const place = address === 0n ? '<unassigned>' : address.toString(16).padStart(8, '0');
      const prefetchable = lookup.value(label, 'prefetchable') === 1 ? '' : 'non-';
      const type = lookup.words(label, 'memoryType');
      return `Memory at ${place} (${type}, ${prefetchable}prefetchable)${(command & 2) === 0 ? ' [disabled]' : ''}`;
    },
  ],
});

const range = (base: bigint, limit: bigint, digits: number, width: number): string => {
  const text = [base, limit].map((value) => value.toString(16).padStart(digits, '0')).join('-');
  return `${text}${base > limit ? ' [disabled]' : ''} [${width}-bit]`;
};

const io: Phrase = (lookup) => {
  const wide = lookup.named('ioBase', 'type') === 1;
  const upper = (name: string): bigint => (wide ? BigInt(lookup.named(name)) << 16n : 0n);
  const base = (BigInt(lookup.named('ioBase', 'address')) << 12n) + upper('ioBaseUpper');
  const limit = (BigInt(lookup.named('ioLimit', 'address')) << 12n) + upper('ioLimitUpper') + 0xfffn;
  return range(base, limit, wide ? 8 : 4, wide ? 32 : 16);
};

const memory: Phrase = (lookup) =>
  range(
    BigInt(lookup.named('memoryBase', 'address')) << 20n,
    (BigInt(lookup.named('memoryLimit', 'address')) << 20n) + 0xfffffn,
    8,
    32,
  );

const prefetchable: Phrase = (lookup) => {
  const wide = lookup.named('prefetchableBase', 'type') === 1;
  const half = (name: string): bigint =>
    (wide ? BigInt(lookup.named(`${name}Upper`)) << 32n : 0n) +
    (BigInt(lookup.named(name, 'address')) << 20n);
  return range(half('prefetchableBase'), half('prefetchableLimit') + 0xfffffn, wide ? 16 : 8, wide ? 64 : 32);
};

const rom: Phrase = (lookup: Lookup) => {
  const whole = lookup.whole('Expansion ROM');
  const address = (whole & 0xffff_f800) >>> 0;
  const enabled = lookup.value('Expansion ROM', 'enable') === 1;
  const memoryOff = (lookup.whole('Control') & 2) === 0;
  const state = enabled ? (memoryOff ? ' [disabled by cmd]' : '') : ' [disabled]';
  return `${address === 0 ? '<unassigned>' : hex(address, 8)}${state}`;
};

const latency: Phrase = (lookup) => {
  const times = (['minimumGrant', 'maximumLatency'] as const).flatMap((name) => {
    const value = lookup.hasNamed(name) ? lookup.named(name) : 0;
    return value === 0 ? [] : [`${value * 250}ns ${name === 'minimumGrant' ? 'min' : 'max'}`];
  });
  const line = lookup.value('Cache Line Size');
  return (
    `${lookup.value('Latency')}${times.length === 0 ? '' : ` (${times.join(', ')})`}` +
    `${line === 0 ? '' : `, Cache Line Size: ${lookup.words('Cache Line Size')}`}`
  );
};

const deviceSelect =
  (register: string): Phrase =>
  (lookup) =>
    `DEVSEL=${lookup.words(register, 'DEVSEL')}`;

export const headerPhrases: Readonly<Record<string, GroupRule>> = {
  Subsystem: {
    phrases: [
      (lookup) =>
        lookup.hasNamed('subsystemVendorId')
          ? `${hex(lookup.named('subsystemVendorId'), 4)}:${hex(lookup.named('subsystemId'), 4)}`
          : '',
    ],
  },
  Control: {},
  Status: { phrases: [deviceSelect('Status')] },
  Latency: { phrases: [latency] },
  Interrupt: {
    phrases: [
      (lookup) => (lookup.value('Interrupt') === 0 ? 'pin ?' : lookup.words('Interrupt')),
      (lookup) => `routed to IRQ ${lookup.named('interruptLine')}`,
    ],
  },
  Bus: {
    phrases: ['primary', 'secondary', 'subordinate', 'sec-latency'].map(
      (label): Phrase =>
        (lookup) =>
          `${label}=${lookup.words(label)}`,
    ),
  },
  'I/O behind bridge': { phrases: [io] },
  'Memory behind bridge': { phrases: [memory] },
  'Prefetchable memory behind bridge': { phrases: [prefetchable] },
  'Secondary status': { phrases: [deviceSelect('Secondary status')] },
  BridgeCtl: {},
  'Expansion ROM': { phrases: [rom] },
  ...Object.fromEntries([0, 1, 2, 3, 4, 5].map((index) => [`Region ${index}`, region(index)])),
};
