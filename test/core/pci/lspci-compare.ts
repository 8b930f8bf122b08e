import type { DecodedCapability, DecodedConfig } from '../../../src-main/core/pci/decode.ts';
import { Lookup } from './lspci-lookup.ts';
import type { Looked } from './lspci-lookup.ts';
import { placeOnly, sectionRules } from './lspci-rules.ts';
import type { GroupRule } from './lspci-rules.ts';
import type { LspciFunction, LspciSection } from './lspci-text.ts';

export interface Comparison {
  /** One line for each thing lspci says that our decode does not. */
  readonly differences: readonly string[];
  /** Every bit range that was compared. */
  readonly looked: readonly Looked[];
  /** Flags and phrases that agreed. */
  readonly agreed: number;
}

/** Says whether our decode of a function agrees with everything that lspci printed about it. */
export const compare = (printed: LspciFunction, decoded: DecodedConfig): Comparison => {
  const differences: string[] = [];
  const looked: Looked[] = [];
  let agreed = 0;
  const places: string[] = [];
  for (const section of printed.sections) {
    const owner = ownerOf(section, decoded);
    if (section.offset !== undefined && !section.title.startsWith('<chain')) {
      places.push(placeOf(section.offset, section.extended));
    }
    if (placeOnly.test(section.title)) continue;
    const rule = sectionRules.find((one) => one.title.test(section.title));
    const where = `${printed.address} ${section.title}`;
    if (rule === undefined || owner === undefined) {
      differences.push(`${where}: ${rule === undefined ? 'no rule' : 'not in our decode'}`);
      continue;
    }
    const lookup = new Lookup(owner.registers, owner.offset);
    const note = (label: string, leftovers: readonly string[]): void => {
      for (const leftover of leftovers) differences.push(`${where} ${label}: ${leftover}`);
    };
    const check = (label: string, text: string, group: GroupRule | undefined): void => {
      if (group === undefined) return note(label, [`no rule for "${text}"`]);
      const result = checkGroup(label, text, group, lookup);
      agreed += result.agreed;
      note(label, result.leftovers);
    };
    if (rule.head !== undefined) check(rule.head.register ?? '', section.title, rule.head);
    for (const group of section.groups) check(group.label, group.text, rule.groups[group.label]);
    looked.push(...lookup.looked);
  }
  // lspci prints each capability once; a list that loops is our problem report.
  const ours = decoded.capabilities.map((entry) => placeOf(entry.offset, entry.extended));
  if (ours.join() !== places.slice(0, ours.length).join() || places.length < ours.length) {
    differences.push(
      `${printed.address}: capabilities at ${ours.join()} but lspci has them at ${places.join()}`,
    );
  }
  return { differences, looked, agreed };
};

const placeOf = (offset: number, extended: boolean): string => `${extended ? 'x' : ''}${offset.toString(16)}`;

const ownerOf = (
  section: LspciSection,
  decoded: DecodedConfig,
): Pick<DecodedCapability, 'registers' | 'offset'> | undefined =>
  section.offset === undefined
    ? { registers: [...decoded.header.registers, ...bridgeSubsystem(decoded)], offset: 0 }
    : decoded.capabilities.find(
        (entry) => entry.offset === section.offset && entry.extended === section.extended,
      );

/** lspci shows the subsystem of a bridge in its header, from a capability. */
const bridgeSubsystem = (decoded: DecodedConfig): DecodedCapability['registers'] =>
  decoded.header.kind === 'bridge'
    ? (decoded.capabilities.find((entry) => entry.name === 'Subsystem ID')?.registers.slice(1) ?? [])
    : [];

interface GroupResult {
  readonly leftovers: readonly string[];
  readonly agreed: number;
}

const checkGroup = (label: string, printed: string, rule: GroupRule, lookup: Lookup): GroupResult => {
  // Sizes come from sysfs or from the difference of two addresses that are compared anyway.
  let text = printed.replace(/ \[size=[^\]]*\]/g, '');
  // `PME(D0+,D1-)` is a flag `PME(D0)` and a flag `PME(D1)`.
  text = text.replace(/(\w+)\(((?:\w+[+-],?)+)\)/g, (_, name: string, flags: string) =>
    flags.replace(/(\w+)([+-]),?/g, `${name}($1)$2 `),
  );
  let agreed = 0;
  const failures: string[] = [];
  for (const phrase of rule.phrases ?? []) {
    const count = lookup.looked.length;
    const wanted = tryPhrase(phrase, lookup);
    const rest = wanted === '' ? undefined : without(text, wanted);
    if (rest === undefined) {
      lookup.forget(count);
      continue;
    }
    text = rest;
    agreed += 1;
  }
  let prefix = '';
  for (const token of text.split(/[\s,;]+/)) {
    if (token === '') continue;
    const flag = /^(.+?):?([+-])$/.exec(token);
    if (flag === null) {
      if (token.endsWith(':')) prefix = token;
      else failures.push(`"${token}" of "${printed}" is not what we decode`);
      continue;
    }
    const name = rule.aliases?.[flag[1] ?? ''] ?? flag[1] ?? '';
    const register = rule.register ?? label;
    const field =
      lookup.find(register, `${prefix} ${name}`) ??
      lookup.find(rule.registerOfPrefix?.[prefix] ?? `${register} ${prefix.slice(0, -1)}`, name) ??
      lookup.find(register, name);
    const expected = flag[2] === '+' ? 1 : 0;
    if (field === undefined) failures.push(`our ${register} has no field ${prefix} ${name}`);
    else if (field.value !== expected) failures.push(`${name} is ${expected} but we decode ${field.value}`);
    else agreed += 1;
  }
  return { leftovers: failures, agreed };
};

/** A rule for a register that this function has not got makes no phrase; lspci then must not print one either. */
const tryPhrase = (phrase: (lookup: Lookup) => string, lookup: Lookup): string => {
  try {
    return phrase(lookup);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Our decode has no')) return '';
    throw error;
  }
};

/** Takes `wanted` out of `text` where it stands between blanks, commas and semicolons; `undefined` if it does not. */
const without = (text: string, wanted: string): string | undefined => {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const [before, after] = [text[at - 1] ?? ' ', text[at + wanted.length] ?? ' '];
    if (/[\s,;]/.test(before) && /[\s,;]/.test(after)) {
      return `${text.slice(0, at)} ${text.slice(at + wanted.length)}`;
    }
  }
  return undefined;
};
