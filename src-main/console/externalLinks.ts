import { shell } from 'electron';
import { mayOpenExternally } from './allowedLinks.ts';

/** Electron's security checklist, item 15: the one way out, and only to what is on the list. */
export const openExternalLink = async (url: string): Promise<boolean> => {
  if (!mayOpenExternally(url)) return false;
  await shell.openExternal(url);
  return true;
};
