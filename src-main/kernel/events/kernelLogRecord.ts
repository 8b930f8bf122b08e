import { parsePciAddress, type PciAddress } from '../../core/pci/address.ts';

/** One record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg). */
export interface KernelLogRecord {
  readonly sequence: number;
  /** 0 emergency to 7 debug. */
  readonly level: number;
  /** Microseconds on the clock of printk, which is close to CLOCK_MONOTONIC and not the same. */
  readonly printed: number;
  readonly text: string;
  /** The value of the DEVICE= line, such as `+pci:0000:01:00.0`. */
  readonly device: string | null;
}

/** Non-printable bytes and backslashes come as \xNN. */
const unescaped = (text: string): string => {
  const bytes: number[] = [];
  const source = Buffer.from(text, 'utf8');
  for (let at = 0; at < source.length; at += 1) {
    const hex = source[at] === 0x5c ? /^\\x([0-9a-f]{2})/i.exec(source.toString('latin1', at, at + 4)) : null;
    if (hex?.[1] === undefined) {
      bytes.push(source[at] ?? 0);
    } else {
      bytes.push(Number.parseInt(hex[1], 16));
      at += 3;
    }
  }
  return Buffer.from(bytes).toString('utf8');
};

/** `6,339,5140900,-;text` and lines ` KEY=value`; null when it has another form. */
export const parseKernelLogRecord = (bytes: Uint8Array): KernelLogRecord | null => {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const [first = '', ...dictionary] = whole.split('\n');
  const at = first.indexOf(';');
  const prefix = /^(\d+),(\d+),(\d+),/.exec(first);
  if (at === -1 || prefix === null) return null;
  const device = dictionary.find((line) => line.startsWith(' DEVICE='));
  return {
    level: Number(prefix[1]) & 7,
    sequence: Number(prefix[2]),
    printed: Number(prefix[3]),
    text: unescaped(first.slice(at + 1)),
    device: device === undefined ? null : device.slice(' DEVICE='.length),
  };
};

const fullAddress = /\b[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b/gi;
/** As the IOMMU drivers write it: `Request device [01:00.0] fault addr …`. */
const bracketedAddress = /\[([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])\]/gi;

const addressIn = (text: string): PciAddress | null => {
  const parsed = parsePciAddress(text);
  return parsed.ok ? parsed.value : null;
};

/**
 * The function that a line speaks of; null for a line that speaks of none. A root port that tells of another function
 * ("pcieport 0000:00:04.0: AER: … received: 0000:01:00.0") speaks of that one.
 */
export const functionOf = ({ text, device }: KernelLogRecord): PciAddress | null => {
  const speaker = device?.startsWith('+pci:') === true ? addressIn(device.slice('+pci:'.length)) : null;
  const mentioned = [
    ...[...text.matchAll(fullAddress)].map(([whole]) => whole),
    ...[...text.matchAll(bracketedAddress)].map(([, inside = '']) => inside),
  ].flatMap((found) => addressIn(found) ?? []);
  return (
    mentioned.find((address) => address !== (speaker ?? mentioned[0])) ?? speaker ?? mentioned[0] ?? null
  );
};
