/** `00c` */
export const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** The value of a register of so many bytes. */
export const hexOf = (value: number, width: 1 | 2 | 4): string => hex(value, width * 2);

/** Offsets take three digits: the space ends at fff. */
export const offsetOf = (offset: number): string => hex(offset, 3);

/** As `lspci -xxxx` prints it, without the header line. */
export const dumpOf = (bytes: Uint8Array): string => {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16), (byte) => hex(byte, 2)).join(' ');
    lines.push(`${hex(at, bytes.length > 256 ? 3 : 2)}: ${row}`);
  }
  return lines.join('\n');
};
