/** Where the documents that the console cites are published. */
const documentHosts = new Set(['docs.kernel.org', 'lore.kernel.org', 'git.kernel.org']);

/**
 * Whether a link may be handed to the system's browser: https, a host of the list and no other port; nothing in it that
 * could carry data out or names a user.
 */
export const mayOpenExternally = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    url.protocol === 'https:' &&
    documentHosts.has(url.hostname) &&
    url.port === '' &&
    url.username === '' &&
    url.password === '' &&
    url.search === ''
  );
};
