import { readFile } from 'node:fs/promises';
import { classNameOf } from './classNames.ts';
import { knownDeviceName } from './deviceNames.ts';
import type { HostTree } from './hostTree.ts';

/** Ids in words, as lspci writes them. */
export interface PciNames {
  /** "Red Hat, Inc. Virtio 1.0 RNG"; without the vendor's name where only the class is known. */
  nameOf(ids: { readonly vendorId: number; readonly deviceId: number; readonly classCode: number }): string;
  /** "Ethernet controller". */
  className(classCode: number): string;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** One line below a heading: `\t1044  Virtio 1.0 RNG`. */
const entryBelow = (section: string, id: string): string | null => {
  const found = new RegExp(`^\\t${id} {2}(.+)$`, 'm').exec(section);
  return found?.[1] ?? null;
};

/** From its heading (at the start of a line) to the next one. */
const sectionOf = (
  text: string,
  heading: string,
): { readonly name: string; readonly body: string } | null => {
  const start = text.startsWith(`${heading}  `) ? 0 : text.indexOf(`\n${heading}  `) + 1;
  if (start === 0 && !text.startsWith(`${heading}  `)) return null;
  const endOfLine = text.indexOf('\n', start);
  const next = /^[^\t#\n]/m.exec(text.slice(endOfLine + 1));
  const end = next === null ? text.length : endOfLine + 1 + next.index;
  return {
    name: text.slice(start + heading.length + 2, endOfLine === -1 ? text.length : endOfLine),
    body: endOfLine === -1 ? '' : text.slice(endOfLine + 1, end),
  };
};

/** Looks names up in the text of a pci.ids file; the text is searched, as a machine has few devices. */
export const pciNamesIn = (text: string): PciNames => {
  const className = (classCode: number): string => {
    const section = sectionOf(text, `C ${hex(classCode >>> 16, 2)}`);
    const known = section === null ? null : entryBelow(section.body, hex((classCode >>> 8) & 0xff, 2));
    return known ?? section?.name ?? classNameOf(classCode);
  };
  return {
    className,
    nameOf: ({ vendorId, deviceId, classCode }) => {
      const vendor = sectionOf(text, hex(vendorId, 4));
      const device = vendor === null ? null : entryBelow(vendor.body, hex(deviceId, 4));
      if (vendor !== null && device !== null) return `${vendor.name} ${device}`;
      const name = knownDeviceName(vendorId, deviceId) ?? className(classCode);
      return vendor === null ? name : `${vendor.name} ${name}`;
    },
  };
};

/** The names of this machine; class names alone where it has no pci.ids, as in a small guest. */
export const readPciNames = async (tree: HostTree): Promise<PciNames> => {
  for (const file of tree.nameFiles) {
    try {
      return pciNamesIn(await readFile(file, 'utf8'));
    } catch {
      continue;
    }
  }
  return pciNamesIn('');
};
