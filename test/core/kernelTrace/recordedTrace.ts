import { readFileSync } from 'node:fs';
import { callAssembler, type AssembledCall } from '../../../src-main/core/kernelTrace/assemble.ts';
import { tracedFunctions, type TracedFunction } from '../../../src-main/core/kernelTrace/functions.ts';
import { sourceName } from '../../../src-main/core/kernelTrace/symbols.ts';
import { parseTraceLine } from '../../../src-main/core/kernelTrace/traceLine.ts';

/** trace_pipe as Linux 6.1 in the guest wrote it while the scenario notify-fatal-acknowledged ran. */
export const recordedTrace = readFileSync(
  new URL('../../fixtures/kernelTrace/notify-fatal-6.1.txt', import.meta.url),
  'utf8',
);

/** Which function each number stands for: the line of its beginning names the symbol, and the module if it is in one. */
export const functionsIn = (text: string): ReadonlyMap<string, TracedFunction> => {
  const found = new Map<string, TracedFunction>();
  for (const [, number = '', symbol = '', module] of text.matchAll(
    /: e(\d+): \(([\w.]+)\+0x0\/0x\w+(?: \[(\w+)\])?\)/g,
  )) {
    const traced = tracedFunctions.find(
      (one) => one.name === sourceName(symbol) && (one.module === undefined || one.module === module),
    );
    if (traced === undefined) throw new Error(`${symbol} is not watched.`);
    found.set(number, traced);
  }
  return found;
};

export const callsIn = (text: string): readonly AssembledCall[] => {
  const functions = functionsIn(text);
  const assemble = callAssembler();
  return text.split('\n').flatMap((one) => {
    const line = parseTraceLine(one);
    if (line?.kind !== 'probe') return [];
    const traced = functions.get(line.event.slice(1));
    if (traced === undefined) throw new Error(`${line.event} has no function.`);
    const edge = line.event.startsWith('e') ? 'enter' : 'leave';
    return assemble({ ...line, function: traced, edge }) ?? [];
  });
};
