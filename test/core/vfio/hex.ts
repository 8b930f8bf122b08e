/** `14000000 11` as bytes; blanks group the digits for the reader only. */
export const bytesOf = (hex: string): Uint8Array => {
  const digits = hex.replaceAll(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`Not hexadecimal: ${hex}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
};

/** Bytes as groups of four, `14000000 11000000`. */
export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .replaceAll(/(.{8})(?=.)/g, '$1 ');
