const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Map(Array.from(alphabet, (character, value) => [character, value] as const));

/** RFC 4648, section 4, with padding. Written here because the core compiles without any platform. */
export const toBase64 = (bytes: Uint8Array): string => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += alphabet.charAt(group >>> 18) + alphabet.charAt((group >>> 12) & 63);
    text += left > 1 ? alphabet.charAt((group >>> 6) & 63) : '=';
    text += left > 2 ? alphabet.charAt(group & 63) : '=';
  }
  return text;
};

/** The bytes, or null for what is not base64 with its padding. */
export const fromBase64 = (text: string): Uint8Array | null => {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let group = 0;
  for (let at = 0; at < text.length; at += 1) {
    group = (group << 6) | (values.get(text.charAt(at)) ?? 0);
    if (at % 4 !== 3) continue;
    const start = ((at - 3) / 4) * 3;
    for (let byte = 0; byte < 3 && start + byte < bytes.length; byte += 1) {
      bytes[start + byte] = (group >>> (16 - 8 * byte)) & 0xff;
    }
    group = 0;
  }
  return bytes;
};
