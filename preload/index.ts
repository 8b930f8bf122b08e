import { contextBridge } from 'electron';

/** What the page may ask of the main process: named functions only, and none until the console's contract exists. */
contextBridge.exposeInMainWorld('recoveryBench', {});
