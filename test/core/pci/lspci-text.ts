/** Takes apart what `lspci -n -D -vvv` prints, without knowing what any of it means. */

export interface LspciGroup {
  /** `DevCtl`, `Vector table`; empty for lines that start without one. */
  readonly label: string;
  /** The rest of the line and of its continuation lines, blanks collapsed. */
  readonly text: string;
}

export interface LspciSection {
  /** Absent for the header. */
  readonly offset?: number;
  readonly extended: boolean;
  /** What follows `Capabilities: [40] `. */
  readonly title: string;
  readonly groups: readonly LspciGroup[];
}

export interface LspciFunction {
  readonly address: string;
  readonly sections: readonly LspciSection[];
}

const collapse = (text: string): string => text.replace(/\s+/g, ' ').trim();

/**
 * One tab starts a header line, two tabs a register, three tabs (or two and a blank) continue it. A label ends with a
 * colon before the first value; `PTMCap: Requester:+` has the label PTMCap. Only the ROM has none: `Expansion ROM at …`.
 */
const groupOf = (line: string): LspciGroup => {
  const match = /^(Expansion ROM(?= at )|[A-Za-z][A-Za-z0-9/ -]*?)(?: at |:)\s*(.*)$/.exec(line.trim());
  return match === null
    ? { label: '', text: collapse(line) }
    : { label: match[1] ?? '', text: collapse(match[2] ?? '') };
};

interface OpenSection {
  offset?: number;
  extended: boolean;
  title: string;
  groups: { label: string; text: string }[];
}

export const parseLspci = (output: string): readonly LspciFunction[] => {
  const functions: { address: string; sections: OpenSection[] }[] = [];
  for (const line of output.split('\n')) {
    const start = /^([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) /.exec(line);
    if (start !== null) {
      functions.push({
        address: start[1] ?? '',
        sections: [{ extended: false, title: 'Header', groups: [] }],
      });
      continue;
    }
    const sections = functions.at(-1)?.sections;
    if (sections === undefined || line.trim() === '') continue;
    const capability = /^\tCapabilities: \[([0-9a-f]+)(?: v\d+)?\] (.*)$/.exec(line);
    if (capability !== null) {
      const offset = Number.parseInt(capability[1] ?? '', 16);
      sections.push({
        offset,
        extended: (capability[1] ?? '').length === 3,
        title: collapse(capability[2] ?? ''),
        groups: [],
      });
      continue;
    }
    const groups = sections.at(-1)?.groups ?? [];
    const inHeader = sections.length === 1;
    const continues = inHeader ? /^\t\t/.test(line) : /^\t\t(\t| )/.test(line);
    const last = groups.at(-1);
    if (continues && last !== undefined) last.text = collapse(`${last.text} ${line}`);
    else groups.push(groupOf(line));
  }
  return functions;
};
