/** Base64. */
export const encodeBytes = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
