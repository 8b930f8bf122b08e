import { valueAt } from '../../core/pci/bytes.ts';
import { placeRegisters } from '../../core/pci/placement.ts';
import { configOffset } from '../../core/pci/registers.ts';
import { fieldNature, registerNature, upperHalves } from '../../core/restore/registerNature.ts';
import { provenances, type Provenance } from '../../core/restore/provenance.ts';
import { restoreSteps } from '../../core/restore/steps.ts';
import type { RestoreStepName } from '../../core/restore/steps.ts';
import type { ConfigObserver, SimulatedFunction, Width } from './hardware/simulatedFunction.ts';

/** Some bits of one register: a field, or a whole register without fields. */
export interface Cell {
  readonly register: string;
  readonly field: string | null;
  readonly offset: number;
  readonly width: Width;
  readonly mask: number;
}

/** The true source of the bits of a cell, and what each source had for them when it last wrote. */
export interface TrueSource {
  readonly source: Provenance;
  readonly offered: ReadonlyMap<Provenance, number>;
}

interface Written {
  readonly offset: number;
  readonly width: Width;
  readonly value: number;
}

const provenanceOf = new Map(restoreSteps.map(({ name, provenance }) => [name, provenance]));

const cellsOf = (config: Uint8Array): readonly Cell[] => {
  const placement = placeRegisters(config);
  const { header, capabilities } = placement;
  const upper = upperHalves(config, placement);
  return [header, ...capabilities].flatMap(({ base, registers }) =>
    registers
      .filter(({ offset, width }) => base + offset + width <= config.length)
      .flatMap(({ offset, width, name, fields }): Cell[] => {
        const at = { register: name, offset: base + offset, width };
        if (registerNature(name) !== 'ordinary') return [];
        if (fields.length === 0 || upper.has(base + offset))
          return [{ ...at, field: null, mask: (2 ** (8 * width) - 1) >>> 0 }];
        return fields
          .filter((field) => fieldNature(name, field.name) === 'ordinary')
          .map((field) => ({ ...at, field: field.name, mask: field.mask }));
      }),
  );
};

/**
 * Knows where every value of a simulated function really comes from, because it sees each write and is told who writes.
 * The source of a value is the last write that stood: a register that did not take what was written keeps its source.
 * It is the truth that the audit of `core/restore`, which sees readings only, is held against.
 */
export class SourceLedger implements ConfigObserver {
  readonly cells: readonly Cell[];
  readonly #fn: SimulatedFunction;
  readonly #source: Uint8Array;
  readonly #offered: readonly Map<Provenance, number>[];
  /** Indexes of the cells that have a part in a byte. */
  readonly #byByte: readonly (readonly number[])[];
  /** Null: writes are judged one by one, by `#who`; else they wait for the end of a step. */
  #waiting: Written[] | null = null;
  #who: Provenance = 'userSpace';
  #command = 0;
  /** Whether the hardware's INTx Disable follows what user space writes. */
  #intxFollows = false;

  constructor(fn: SimulatedFunction, cells: readonly Cell[] = cellsOf(fn.config)) {
    this.#fn = fn;
    this.cells = cells;
    this.#source = new Uint8Array(cells.length).fill(provenances.indexOf('unknown'));
    this.#offered = cells.map((cell) => new Map([['unknown', this.#now(cell)]]));
    const byByte: number[][] = Array.from({ length: fn.config.length }, () => []);
    cells.forEach(({ offset, width }, index) => {
      for (let byte = offset; byte < offset + width; byte += 1) byByte[byte]?.push(index);
    });
    this.#byByte = byByte;
    fn.observer = this;
  }

  #now({ offset, width, mask }: Cell): number {
    return (valueAt(this.#fn.config, offset, width) & mask) >>> 0;
  }

  of(index: number): TrueSource {
    return {
      source: provenances[this.#source[index] ?? 0] ?? 'unknown',
      offered: this.#offered[index] ?? new Map(),
    };
  }

  #give(index: number, source: Provenance, value: number, stood: boolean): void {
    this.#offered[index]?.set(source, value);
    if (stood) this.#source[index] = provenances.indexOf(source);
  }

  wrote(offset: number, width: Width, value: number): void {
    if (this.#waiting !== null) this.#waiting.push({ offset, width, value });
    else this.#judge({ offset, width, value }, this.#who);
  }

  #judge({ offset, width, value }: Written, who: Provenance): void {
    const seen = new Set<number>();
    for (let byte = offset; byte < offset + width; byte += 1) {
      for (const index of this.#byByte[byte] ?? []) {
        const cell = this.cells[index];
        if (cell === undefined || seen.has(index)) continue;
        seen.add(index);
        // vfio keeps the user's Interrupt Disable for itself where it does not change.
        const intx = cell.register === 'command' && cell.field === 'intxDisable';
        if (who === 'userSpace' && intx && !this.#intxFollows) continue;
        let [covered, written] = [0, 0];
        for (let at = 0; at < cell.width; at += 1) {
          const from = cell.offset + at - offset;
          if (from < 0 || from >= width) continue;
          covered |= 0xff << (8 * at);
          written |= ((value >>> (8 * from)) & 0xff) << (8 * at);
        }
        const bits = (covered & cell.mask) >>> 0;
        if (bits === 0) continue;
        const wanted = (written & bits) >>> 0;
        this.#give(index, who, wanted, (this.#now(cell) & bits) >>> 0 === wanted);
      }
    }
  }

  wasReset(kept: Uint8Array): void {
    const { layout } = this.#fn;
    this.cells.forEach((cell, index) => {
      const { offset, width, mask } = cell;
      const bits = (plane: Uint8Array): number => valueAt(plane, offset, width) & mask;
      const settable = (bits(layout.writable) | bits(layout.writeOneToClear) | bits(kept)) >>> 0;
      const survives = settable !== 0 && (bits(kept) & settable) >>> 0 === settable;
      this.#give(index, 'hardwareReset', this.#now(cell), !survives);
    });
  }

  /** Runs `work`, whose writes are those of `who`; what stands at its end counts. */
  during(who: Provenance, work: () => void): void {
    this.#begin();
    work();
    this.#end(who);
  }

  /** A write of user space through VFIO; the BARs that VFIO puts back on the way are not the user's. */
  throughVfio(offset: number, intxFollows: boolean, work: () => void): void {
    this.#intxFollows = intxFollows;
    this.#begin();
    work();
    const written = this.#waiting ?? [];
    this.#waiting = null;
    for (const one of written) this.#judge(one, one.offset === offset ? 'userSpace' : 'liveKernelState');
  }

  #begin(): void {
    this.#waiting = [];
    this.#command = this.#fn.command;
  }

  /** The kernel changes single bits of COMMAND and writes the rest back: only what changed is its own. */
  #end(who: Provenance): void {
    const written = this.#waiting ?? [];
    this.#waiting = null;
    const single = who === 'liveKernelState';
    for (const one of written) {
      if (!(single && one.offset === configOffset.command)) this.#judge(one, who);
    }
    const changed = this.#fn.command ^ this.#command;
    if (!single || changed === 0) return;
    for (const index of this.#byByte[configOffset.command] ?? []) {
      const cell = this.cells[index];
      if (cell !== undefined && (cell.mask & changed) !== 0) this.#give(index, who, this.#now(cell), true);
    }
  }

  /** To be called around `restoreState()`: `restoring()` first, then `step()` for each step that was traced. */
  restoring(): void {
    this.#begin();
  }

  step(name: RestoreStepName, from: 'lastSave' | 'openSnapshot', saved: Uint32Array): void {
    const provenance = provenanceOf.get(name) ?? 'lastSave';
    if (name === 'pci_restore_config_space') {
      this.#waiting = null;
      // The kernel reads first and writes what differs: it vouches for the rest as well (pci_restore_config_dword()).
      for (let dword = 0; dword < 16; dword += 1) {
        this.#judge({ offset: 4 * dword, width: 4, value: saved[dword] ?? 0 }, from);
      }
    } else if (provenance === 'hardwareStatus') {
      this.#waiting = null;
    } else {
      this.#end(provenance === 'lastSave' ? from : provenance);
    }
    this.#begin();
  }

  restored(): void {
    this.#waiting = null;
  }
}
