import type { MenuItemConstructorOptions } from 'electron';

export interface MenuActions {
  readonly packaged: boolean;
  /** Opens a page of the console by its route. */
  readonly goTo: (route: string) => void;
  readonly openLink: (url: string) => void;
}

const documents = [
  ['PCI error recovery', 'https://docs.kernel.org/PCI/pci-error-recovery.html'],
  ['PCI Express AER', 'https://docs.kernel.org/PCI/pcieaer-howto.html'],
  ['VFIO', 'https://docs.kernel.org/driver-api/vfio.html'],
  ['s390 PCI', 'https://docs.kernel.org/arch/s390/pci.html'],
] as const;

const pages = [
  ['Devices', '/', 'CmdOrCtrl+1'],
  ['Scenarios', '/scenarios', 'CmdOrCtrl+2'],
  ['Runs', '/runs', 'CmdOrCtrl+3'],
  ['Settings', '/settings', 'CmdOrCtrl+,'],
] as const;

/** The application menu. Developer tools are in it only while the app is not packaged. */
export const menuTemplate = (actions: MenuActions): MenuItemConstructorOptions[] => [
  { label: '&File', submenu: [{ role: 'quit' }] },
  {
    label: '&Edit',
    submenu: [
      { role: 'undo' },
      { role: 'redo' },
      { type: 'separator' },
      { role: 'cut' },
      { role: 'copy' },
      { role: 'paste' },
      { role: 'selectAll' },
    ],
  },
  {
    label: '&View',
    submenu: [
      ...pages.map(([label, route, accelerator]) => ({
        label,
        accelerator,
        click: () => actions.goTo(route),
      })),
      { type: 'separator' },
      { role: 'resetZoom' },
      { role: 'zoomIn' },
      { role: 'zoomOut' },
      { role: 'togglefullscreen' },
      { type: 'separator' },
      { role: 'reload' },
      ...(actions.packaged ? [] : [{ role: 'toggleDevTools' } as const]),
    ],
  },
  {
    label: '&Help',
    role: 'help',
    submenu: documents.map(([label, url]) => ({
      label: `${label} (docs.kernel.org)`,
      click: () => actions.openLink(url),
    })),
  },
];
