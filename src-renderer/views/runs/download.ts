import type { ExportedRun } from '../../../preload/contract/views.ts';

/** Hands a text over to whatever saves files here: the browser's downloads, or the save dialog of the desktop. */
export const download = ({ name, mediaType, text }: ExportedRun): void => {
  const address = URL.createObjectURL(new Blob([text], { type: `${mediaType};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has its own hold of the blob once the click has been seen.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
};
