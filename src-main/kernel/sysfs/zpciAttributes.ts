import { parseFid, parseUid } from '../../core/pci/zpci-identity.ts';
import { decodeEbcdic } from '../../core/zpci/ebcdic.ts';
import type { ZpciFunction } from '../../core/zpci/zpciFunction.ts';
import { readBytes, readNumber, readText, type HostTree } from './hostTree.ts';

/** What s390x shows of a function (arch/s390/pci/pci_sysfs.c); null for any other. */
export const readZpciAttributes = async (tree: HostTree, folder: string): Promise<ZpciFunction | null> => {
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
