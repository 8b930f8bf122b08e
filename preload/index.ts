import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron';
import type { Bridge } from './contract/bridge.ts';
import type { DeltaBatch } from './contract/deltas.ts';
import { channelOf, commandNames, deltaChannel, type CommandName } from './contract/names.ts';

/**
 * One function a command, and none that takes a channel. A call that Electron itself refuses, such as for an argument
 * that cannot be copied, is a Result too.
 */
const call = (name: CommandName) => (input: unknown) =>
  ipcRenderer.invoke(channelOf(name), input).catch((cause: unknown) => ({
    ok: false,
    error: {
      code: 'linkLost',
      message: `“${name}” got no answer: ${cause instanceof Error ? cause.message : String(cause)}`,
    },
  }));

const commandFunctions = Object.fromEntries(commandNames.map((name) => [name, call(name)]));

/** The page gets the batch and never Electron's event, through which it would reach the sender. */
const onDeltas: Bridge['onDeltas'] = (listener) => {
  const hear = (_event: IpcRendererEvent, batch: DeltaBatch): void => listener(batch);
  ipcRenderer.on(deltaChannel, hear);
  return () => void ipcRenderer.removeListener(deltaChannel, hear);
};

contextBridge.exposeInMainWorld('recoveryBench', { ...commandFunctions, onDeltas });
