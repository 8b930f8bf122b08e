import { fileURLToPath } from 'node:url';
import { app, BrowserWindow, session } from 'electron';

/** The door of the Electron app: one window, sandboxed and isolated, that may load nothing but its own files. */
const openWindow = (): void => {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    webPreferences: {
      preload: fileURLToPath(new URL('../preload/index.cjs', import.meta.url)),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
    },
  });
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  window.webContents.on('will-navigate', (event) => event.preventDefault());
  void window.loadFile(fileURLToPath(new URL('../renderer/index.html', import.meta.url)));
};

// Awaiting whenReady at the top level of an ES module hangs: the module has to end before the app is ready.
void app.whenReady().then(openWindow);
app.on('window-all-closed', () => app.quit());
