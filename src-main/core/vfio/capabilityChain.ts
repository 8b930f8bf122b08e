import { missingCase } from '../exhaustive.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/** The header of each capability of an INFO ioctl (vfio.h, "capability chain"). `next` counts from the INFO buffer. */
export const infoCapabilityHeader = struct('vfio_info_cap_header', [
  ['id', 'u16'],
  ['version', 'u16'],
  ['next', 'u32'],
]);

/** The same header as the first member of a capability struct. */
export const headerFields = [
  ['header.id', 'u16'],
  ['header.version', 'u16'],
  ['header.next', 'u32'],
] as const;

/** One capability as found: `bytes` starts at its header and ends where the next capability or the buffer does. */
export interface RawCapability {
  readonly id: number;
  readonly version: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What is wrong with a chain. What could be read of it is given all the same. */
export type ChainProblem =
  | { readonly kind: 'bufferTooSmall'; readonly neededLength: number; readonly actualLength: number }
  | { readonly kind: 'offsetInFixedPart'; readonly offset: number }
  | { readonly kind: 'offsetOutsideBuffer'; readonly offset: number; readonly actualLength: number }
  | { readonly kind: 'loop'; readonly offset: number }
  | CapabilityTruncated;

export interface CapabilityTruncated {
  readonly kind: 'capabilityTruncated';
  readonly id: number;
  readonly version: number;
  readonly offset: number;
  readonly neededLength: number;
  readonly actualLength: number;
}

export interface CapabilityChain {
  readonly capabilities: readonly RawCapability[];
  readonly problems: readonly ChainProblem[];
}

export interface ChainSource {
  readonly order: ByteOrder;
  /** The whole INFO buffer. */
  readonly bytes: Uint8Array;
  /** Length of the fixed struct at its start; no capability can lie in it. */
  readonly fixedLength: number;
  /** Whether the flags of the INFO struct say that there is a chain. */
  readonly announced: boolean;
  /** The `argsz` that the kernel wrote back. */
  readonly argsz: number;
  readonly firstOffset: number;
}

/**
 * Follows a chain of capabilities. Never loops and never reads outside the buffer: each offset is visited once.
 * A chain that is announced but has offset 0 did not fit: the kernel then leaves the length it needs in `argsz`.
 */
export const walkCapabilities = (source: ChainSource): CapabilityChain => {
  const { order, bytes, fixedLength } = source;
  if (!source.announced) return { capabilities: [], problems: [] };
  if (source.firstOffset === 0) {
    const tooSmall: ChainProblem = {
      kind: 'bufferTooSmall',
      neededLength: source.argsz,
      actualLength: bytes.length,
    };
    return { capabilities: [], problems: source.argsz > bytes.length ? [tooSmall] : [] };
  }

  const headers = new Map<number, { readonly id: number; readonly version: number }>();
  const problems: ChainProblem[] = [];
  let offset = source.firstOffset;
  while (offset !== 0) {
    if (headers.has(offset)) {
      problems.push({ kind: 'loop', offset });
      break;
    }
    if (offset < fixedLength) {
      problems.push({ kind: 'offsetInFixedPart', offset });
      break;
    }
    const header = infoCapabilityHeader.decode(order, bytes.subarray(offset));
    if (!header.ok) {
      problems.push({ kind: 'offsetOutsideBuffer', offset, actualLength: bytes.length });
      break;
    }
    headers.set(offset, header.value);
    offset = header.value.next;
  }

  // A header does not say how long its capability is: it ends where the next one in memory begins.
  const starts = [...headers.keys()].sort((one, other) => one - other);
  const endAfter = new Map(starts.map((start, position) => [start, starts[position + 1] ?? bytes.length]));
  const capabilities = [...headers].map(([start, header]) => ({
    id: header.id,
    version: header.version,
    offset: start,
    bytes: bytes.subarray(start, endAfter.get(start)),
  }));
  return { capabilities, problems };
};

export const capabilityTruncated = (raw: RawCapability, neededLength: number): CapabilityTruncated => ({
  kind: 'capabilityTruncated',
  id: raw.id,
  version: raw.version,
  offset: raw.offset,
  neededLength,
  actualLength: raw.bytes.length,
});

/** A capability that we do not know, or not in this version: kept as it came. */
export interface UnknownCapability {
  readonly kind: 'unknown';
  readonly id: number;
  readonly version: number;
  readonly bytes: Uint8Array;
}

export const unknownCapability = (raw: RawCapability): UnknownCapability => ({
  kind: 'unknown',
  id: raw.id,
  version: raw.version,
  bytes: raw.bytes,
});

/** Decodes the capabilities of a chain; those that are cut short become problems and the others are kept. */
export const decodeCapabilities = <Capability extends { readonly kind: string }>(
  chain: CapabilityChain,
  decode: (raw: RawCapability) => Capability | CapabilityTruncated,
): { readonly capabilities: readonly Capability[]; readonly problems: readonly ChainProblem[] } => {
  const capabilities: Capability[] = [];
  const problems: ChainProblem[] = [...chain.problems];
  const isTruncated = (decoded: Capability | CapabilityTruncated): decoded is CapabilityTruncated =>
    decoded.kind === 'capabilityTruncated';
  for (const raw of chain.capabilities) {
    const decoded = decode(raw);
    if (isTruncated(decoded)) problems.push(decoded);
    else capabilities.push(decoded);
  }
  return { capabilities, problems };
};

export const describeChainProblem = (problem: ChainProblem): string => {
  switch (problem.kind) {
    case 'bufferTooSmall':
      return `The capabilities need a buffer of ${problem.neededLength} bytes; it had ${problem.actualLength}. Ask again with that length.`;
    case 'offsetInFixedPart':
      return `A capability is said to be at offset ${problem.offset}, inside the fixed part of the answer.`;
    case 'offsetOutsideBuffer':
      return `A capability is said to be at offset ${problem.offset}, but the answer ends at ${problem.actualLength}.`;
    case 'loop':
      return `The capability chain comes back to offset ${problem.offset}.`;
    case 'capabilityTruncated':
      return `Capability ${problem.id} version ${problem.version} at offset ${problem.offset} needs ${problem.neededLength} bytes and has ${problem.actualLength}.`;
    default:
      return missingCase(problem);
  }
};
