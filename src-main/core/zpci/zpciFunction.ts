import { formatFunctionHandle, isFunctionEnabled } from './functionHandle.ts';

/**
 * What names and describes an s390x function (arch/s390/pci/pci_sysfs.c), as numbers that fit a wire; null where a
 * kernel does not show it.
 */
export interface ZpciFunction {
  /** Null where no UID is defined. */
  readonly uid: number | null;
  readonly fid: number;
  /** Volatile: another one after the function was enabled anew. */
  readonly functionHandle: number | null;
  /** Physical channel, PCI function group, PCI function type, number of the virtual function. */
  readonly pchid: number | null;
  readonly pfgid: number | null;
  readonly pft: number | null;
  readonly vfn: number | null;
  /** util_string, EBCDIC in sysfs; empty where there is none. */
  readonly utilityString: string;
  /** UID checking: whether UIDs are unique in this machine, and so are the domains of the functions. */
  readonly uidIsUnique: boolean;
}

const members = [
  'uid',
  'fid',
  'functionHandle',
  'pchid',
  'pfgid',
  'pft',
  'vfn',
  'utilityString',
  'uidIsUnique',
] as const satisfies readonly (keyof ZpciFunction)[];

export const sameZpciFunction = (one: ZpciFunction | undefined, other: ZpciFunction | undefined): boolean =>
  one === other ||
  (one !== undefined && other !== undefined && members.every((member) => one[member] === other[member]));

const hex = (value: number, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** `UID 0x1234, FID 0x56`: what a person calls the function. */
export const zpciName = ({ uid, fid }: Pick<ZpciFunction, 'uid' | 'fid'>): string =>
  `${uid === null ? 'no UID' : `UID ${hex(uid)}`}, FID ${hex(fid)}`;

export interface ZpciFact {
  readonly label: string;
  readonly value: string;
  /** What it is, or what follows from it. */
  readonly note: string;
}

const numbered = (label: string, value: number | null, digits: number, note: string): readonly ZpciFact[] =>
  value === null ? [] : [{ label, value: hex(value, digits), note }];

/** All of it in words, in the order in which it identifies the function; what a kernel does not show is left out. */
export const zpciFacts = (one: ZpciFunction): readonly ZpciFact[] => [
  one.uid === null
    ? { label: 'UID', value: 'none', note: 'no user-defined identifier' }
    : {
        label: 'UID',
        value: hex(one.uid),
        note: one.uidIsUnique
          ? 'UID checking is on: it is the domain'
          : 'UID checking is off: the domain says nothing',
      },
  { label: 'FID', value: hex(one.fid, 8), note: 'also the name of the slot' },
  ...(one.functionHandle === null
    ? []
    : [
        {
          label: 'Handle',
          value: formatFunctionHandle(one.functionHandle),
          note: isFunctionEnabled(one.functionHandle) ? 'enabled' : 'not enabled',
        },
      ]),
  ...numbered('PCHID', one.pchid, 4, 'physical channel'),
  ...numbered('PFGID', one.pfgid, 2, 'function group'),
  ...numbered('PFT', one.pft, 2, 'function type'),
  ...numbered('VFN', one.vfn, 4, 'virtual function'),
  ...(one.utilityString === ''
    ? []
    : [{ label: 'Utility string', value: one.utilityString, note: 'as the firmware has it' }]),
];
