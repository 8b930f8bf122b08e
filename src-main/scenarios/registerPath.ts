import { valueAt } from '../core/pci/bytes.ts';
import { decodeConfigSpace, type DecodedRegister } from '../core/pci/decode.ts';

/** A register by the names of the config space decode: `command`, or `PCI Express/deviceControl`. */
export const findRegister = (config: Uint8Array, path: string): DecodedRegister | null => {
  const decoded = decodeConfigSpace(config);
  const [owner, name] = path.includes('/') ? path.split('/', 2) : ['Header', path];
  const registers =
    owner === 'Header'
      ? decoded.header.registers
      : (decoded.capabilities.find((capability) => capability.name === owner)?.registers ?? []);
  return registers.find((register) => register.name === name) ?? null;
};

export const valueIn = (config: Uint8Array, register: DecodedRegister): number =>
  valueAt(config, register.offset, register.width);
