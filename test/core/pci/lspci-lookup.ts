import type { DecodedField, DecodedRegister } from '../../../src-main/core/pci/decode.ts';

/** A bit range that a comparison has looked at. */
export interface Looked {
  readonly offset: number;
  readonly width: number;
  readonly mask: number;
  readonly what: string;
}

/** Finds registers and fields of one decoded block by lspci's labels, and remembers which it was asked for. */
export class Lookup {
  readonly looked: Looked[] = [];
  /** Forgets what was looked at since there were `count` entries, for a phrase that lspci did not print. */
  forget(count: number): void {
    this.looked.length = count;
  }

  /** Where the capability starts. */
  readonly start: number;
  private readonly registers: readonly DecodedRegister[];

  constructor(registers: readonly DecodedRegister[], start: number) {
    this.registers = registers;
    this.start = start;
  }

  find(registerLabel: string, fieldLabel: string): DecodedField | undefined {
    const register = this.registers.find((one) => one.label === registerLabel);
    const field = register?.fields.find((one) => one.label === fieldLabel || one.name === fieldLabel);
    if (register !== undefined && field !== undefined) {
      this.looked.push({
        offset: register.offset,
        width: register.width,
        mask: field.mask,
        what: `${registerLabel} ${fieldLabel}`,
      });
    }
    return field;
  }

  private must(registerLabel: string, fieldLabel: string): DecodedField {
    const field = this.find(registerLabel, fieldLabel);
    if (field === undefined) throw new Error(`Our decode has no ${registerLabel} ${fieldLabel}.`);
    return field;
  }

  /** A register that is one number is its own field. */
  value(registerLabel: string, fieldLabel: string = registerLabel): number {
    return this.must(registerLabel, fieldLabel).value;
  }

  words(registerLabel: string, fieldLabel: string = registerLabel): string {
    const field = this.must(registerLabel, fieldLabel);
    return field.meaning ?? `${field.value}`;
  }

  private mustNamed(name: string, fieldName: string): DecodedField {
    const register = this.registers.find((one) => one.name === name);
    const field = register?.fields.find((one) => one.name === fieldName);
    if (register === undefined || field === undefined)
      throw new Error(`Our decode has no ${name}.${fieldName}.`);
    this.looked.push({ offset: register.offset, width: register.width, mask: field.mask, what: name });
    return field;
  }

  /** By our names, for what lspci puts together from registers that it does not name. */
  named(name: string, fieldName = 'value'): number {
    return this.mustNamed(name, fieldName).value;
  }

  wordsNamed(name: string, fieldName: string): string {
    const field = this.mustNamed(name, fieldName);
    return field.meaning ?? `${field.value}`;
  }

  hasNamed(name: string): boolean {
    return this.registers.some((one) => one.name === name);
  }

  whole(registerLabel: string): number {
    const register = this.registers.find((one) => one.label === registerLabel);
    if (register === undefined) throw new Error(`Our decode has no ${registerLabel}.`);
    return register.value;
  }

  has(registerLabel: string): boolean {
    return this.registers.some((one) => one.label === registerLabel);
  }
}
