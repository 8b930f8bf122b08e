import { parseFid, parseUid, type Fid, type Uid } from '../../core/pci/zpci-identity.ts';
import { decodeEbcdic } from '../../core/zpci/ebcdic.ts';
import { readBytes, readNumber, readText, type HostTree } from './hostTree.ts';

/** What s390x shows of a function (arch/s390/pci/pci_sysfs.c); null where a kernel does not show it. */
export interface ZpciAttributes {
  /** Null where no UID is defined. */
  readonly uid: Uid | null;
  readonly fid: Fid;
  readonly functionHandle: number | null;
  /** Physical channel, PCI function group, PCI function type, number of the virtual function. */
  readonly pchid: number | null;
  readonly pfgid: number | null;
  readonly pft: number | null;
  readonly vfn: number | null;
  /** util_string, EBCDIC in sysfs; empty where there is none. */
  readonly utilityString: string;
  /** Whether UIDs are unique in this machine, and so are the domains of the functions. */
  readonly uidIsUnique: boolean;
}

export const readZpciAttributes = async (tree: HostTree, folder: string): Promise<ZpciAttributes | null> => {
  const fidText = await readText(folder, 'function_id');
  const fid = fidText === null ? null : parseFid(fidText);
  if (fid?.ok !== true) return null;
  const [uidText, functionHandle, pchid, pfgid, pft, vfn, unique, checking, utility] = await Promise.all([
    readText(folder, 'uid'),
    readNumber(folder, 'function_handle'),
    readNumber(folder, 'pchid'),
    readNumber(folder, 'pfgid'),
    readNumber(folder, 'pft'),
    readNumber(folder, 'vfn'),
    readNumber(folder, 'uid_is_unique'),
    readNumber(tree.sys, 'firmware/clp/uid_checking'),
    readBytes(folder, 'util_string'),
  ]);
  const uid = uidText === null ? null : parseUid(uidText);
  return {
    uid: uid?.ok === true ? uid.value : null,
    fid: fid.value,
    functionHandle,
    pchid,
    pfgid,
    pft,
    vfn,
    utilityString: utility === null ? '' : decodeEbcdic(utility),
    uidIsUnique: (unique ?? checking) === 1,
  };
};
