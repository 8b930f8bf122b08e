/**
 * The errors of Advanced Error Reporting: one bit each, the same bit in the status, mask and severity registers
 * (PCIe base specification 7.8.4; include/uapi/linux/pci_regs.h, PCI_ERR_UNC_* and PCI_ERR_COR_*).
 */

export type UncorrectableSeverity = 'nonFatal' | 'fatal';
export type AerSeverity = 'correctable' | UncorrectableSeverity;

export interface AerError {
  readonly kind: 'uncorrectable' | 'correctable';
  readonly bit: number;
  /** `1 << bit`, never negative. */
  readonly mask: number;
  /** The name scenarios and buttons use: QEMU's, or one in its style where QEMU has none. */
  readonly name: string;
  /** Whether `pcie_aer_inject_error` takes `name`; otherwise the monitor wants the mask as a number. */
  readonly knownToQemu: boolean;
  /** As `lspci -vvv` prints it; absent for bit 0, which lspci leaves out. */
  readonly lspciName?: string;
  /** As the kernel log and `aer_dev_*` in sysfs spell it (drivers/pci/pcie/aer.c). */
  readonly kernelName: string;
  /** Reset value of the severity register; firmware and drivers may change it, so a decode asks the register. */
  readonly defaultSeverity: AerSeverity;
  /** One sentence for the screen. */
  readonly meaning: string;
}

interface AerRow {
  readonly bit: number;
  readonly name: string;
  readonly lspci?: string;
  readonly kernel: string;
  readonly severity?: UncorrectableSeverity;
  readonly notInQemu?: true;
  readonly meaning: string;
}

const errorOf = (kind: AerError['kind'], row: AerRow): AerError => ({
  kind,
  bit: row.bit,
  mask: 2 ** row.bit,
  name: row.name,
  knownToQemu: row.notInQemu !== true,
  ...(row.lspci === undefined ? {} : { lspciName: row.lspci }),
  kernelName: row.kernel,
  defaultSeverity: kind === 'correctable' ? 'correctable' : (row.severity ?? 'nonFatal'),
  meaning: row.meaning,
});

// Names: QEMU hw/pci/pcie_aer.c pcie_aer_error_list; kernel aer_uncorrectable_error_string. Severities: PCIe 7.8.4.4.
const uncorrectableRows: readonly AerRow[] = [
  {
    bit: 0,
    name: 'TRAIN',
    kernel: 'Undefined',
    meaning: 'Link training error of PCIe 1.0a; undefined in later versions.',
  },
  {
    bit: 4,
    name: 'DLP',
    lspci: 'DLP',
    kernel: 'DLP',
    severity: 'fatal',
    meaning: 'The data link layer received an acknowledgement with a sequence number it never sent.',
  },
  {
    bit: 5,
    name: 'SDN',
    lspci: 'SDES',
    kernel: 'SDES',
    severity: 'fatal',
    meaning: 'Surprise down: the link went down without software asking for it.',
  },
  {
    bit: 12,
    name: 'POISON_TLP',
    lspci: 'TLP',
    kernel: 'TLP',
    meaning: 'A packet arrived whose sender had marked its data as known to be bad.',
  },
  {
    bit: 13,
    name: 'FCP',
    lspci: 'FCP',
    kernel: 'FCP',
    severity: 'fatal',
    meaning: 'A flow control update broke the rules of the protocol.',
  },
  {
    bit: 14,
    name: 'COMP_TIME',
    lspci: 'CmpltTO',
    kernel: 'CmpltTO',
    meaning: 'A request got no completion in time.',
  },
  {
    bit: 15,
    name: 'COMP_ABORT',
    lspci: 'CmpltAbrt',
    kernel: 'CmpltAbrt',
    meaning: 'The function had to answer a request with Completer Abort.',
  },
  {
    bit: 16,
    name: 'UNX_COMP',
    lspci: 'UnxCmplt',
    kernel: 'UnxCmplt',
    meaning: 'A completion arrived that belongs to no request of this function.',
  },
  {
    bit: 17,
    name: 'RX_OVER',
    lspci: 'RxOF',
    kernel: 'RxOF',
    severity: 'fatal',
    meaning: 'The other side sent more than the receive buffers it had been granted.',
  },
  {
    bit: 18,
    name: 'MALF_TLP',
    lspci: 'MalfTLP',
    kernel: 'MalfTLP',
    severity: 'fatal',
    meaning: 'A packet arrived whose form breaks the rules, for example its length.',
  },
  {
    bit: 19,
    name: 'ECRC',
    lspci: 'ECRC',
    kernel: 'ECRC',
    meaning: 'The end-to-end checksum of a packet was wrong.',
  },
  {
    bit: 20,
    name: 'UNSUP',
    lspci: 'UnsupReq',
    kernel: 'UnsupReq',
    meaning: 'A request arrived that the function does not support, for example to an address no BAR claims.',
  },
  {
    bit: 21,
    name: 'ACSV',
    lspci: 'ACSViol',
    kernel: 'ACSViol',
    meaning: 'A request was blocked by Access Control Services.',
  },
  {
    bit: 22,
    name: 'INTN',
    lspci: 'UncorrIntErr',
    kernel: 'UncorrIntErr',
    severity: 'fatal',
    meaning: 'The component met an internal error that it could not correct.',
  },
  {
    bit: 23,
    name: 'MCBTLP',
    lspci: 'BlockedTLP',
    kernel: 'BlockedTLP',
    meaning: 'A multicast packet was blocked.',
  },
  {
    bit: 24,
    name: 'ATOP_EBLOCKED',
    lspci: 'AtomicOpBlocked',
    kernel: 'AtomicOpBlocked',
    meaning: 'An atomic operation was blocked at an egress port.',
  },
  {
    bit: 25,
    name: 'TLP_PRF_BLOCKED',
    lspci: 'TLPBlockedErr',
    kernel: 'TLPBlockedErr',
    meaning: 'A packet was blocked because of its end-to-end prefix.',
  },
  {
    bit: 26,
    name: 'POISON_TLP_BLOCKED',
    lspci: 'PoisonTLPBlocked',
    kernel: 'PoisonTLPBlocked',
    notInQemu: true,
    meaning: 'A poisoned packet was stopped at an egress port.',
  },
  {
    bit: 27,
    name: 'DMWR_BLOCKED',
    lspci: 'DMWrReqBlocked',
    kernel: 'DMWrReqBlocked',
    notInQemu: true,
    meaning: 'A deferrable memory write was blocked at an egress port.',
  },
  {
    bit: 28,
    name: 'IDE_CHECK',
    lspci: 'IDECheck',
    kernel: 'IDECheck',
    notInQemu: true,
    severity: 'fatal',
    meaning: 'An encrypted (IDE) packet failed its integrity check.',
  },
  {
    bit: 29,
    name: 'MISROUTED_IDE_TLP',
    lspci: 'MisIDETLP',
    kernel: 'MisIDETLP',
    notInQemu: true,
    meaning: 'An encrypted (IDE) packet arrived at a port it was not meant for.',
  },
  {
    bit: 30,
    name: 'PCRC_CHECK',
    lspci: 'PCRC_CHECK',
    kernel: 'PCRC_CHECK',
    notInQemu: true,
    severity: 'fatal',
    meaning: 'The plaintext checksum inside an encrypted (IDE) packet was wrong.',
  },
  {
    bit: 31,
    name: 'TLP_XLAT_BLOCKED',
    lspci: 'TLPXlatBlocked',
    kernel: 'TLPXlatBlocked',
    notInQemu: true,
    meaning: 'A packet was blocked at an egress port because it could not be translated (flit mode).',
  },
];

// Kernel aer_correctable_error_string.
const correctableRows: readonly AerRow[] = [
  {
    bit: 0,
    name: 'RCVR',
    lspci: 'RxErr',
    kernel: 'RxErr',
    meaning: 'The physical layer received a bad symbol.',
  },
  {
    bit: 6,
    name: 'BAD_TLP',
    lspci: 'BadTLP',
    kernel: 'BadTLP',
    meaning: 'A packet with a bad link checksum was thrown away and will be replayed.',
  },
  {
    bit: 7,
    name: 'BAD_DLLP',
    lspci: 'BadDLLP',
    kernel: 'BadDLLP',
    meaning: 'A data link layer packet with a bad checksum was thrown away.',
  },
  {
    bit: 8,
    name: 'REP_ROLL',
    lspci: 'Rollover',
    kernel: 'Rollover',
    meaning: 'A packet was replayed four times, so the link is being retrained.',
  },
  {
    bit: 12,
    name: 'REP_TIMER',
    lspci: 'Timeout',
    kernel: 'Timeout',
    meaning: 'A packet was not acknowledged in time and is being replayed.',
  },
  {
    bit: 13,
    name: 'ADV_NONFATAL',
    lspci: 'AdvNonFatalErr',
    kernel: 'NonFatalErr',
    meaning: 'A non-fatal error that another component is expected to report; advisory here.',
  },
  {
    bit: 14,
    name: 'INTERNAL',
    lspci: 'CorrIntErr',
    kernel: 'CorrIntErr',
    meaning: 'The component met an internal error and corrected it.',
  },
  {
    bit: 15,
    name: 'HL_OVERFLOW',
    lspci: 'HeaderOF',
    kernel: 'HeaderOF',
    meaning: 'An error came while the header log was full, so its header is lost.',
  },
];

export const uncorrectableErrors: readonly AerError[] = uncorrectableRows.map((row) =>
  errorOf('uncorrectable', row),
);
export const correctableErrors: readonly AerError[] = correctableRows.map((row) =>
  errorOf('correctable', row),
);

/** Reset value of the Uncorrectable Error Severity register when every optional error is implemented. */
export const defaultSeverityMask: number = uncorrectableErrors
  .filter((error) => error.defaultSeverity === 'fatal')
  .reduce((mask, error) => mask + error.mask, 0);

const byName = new Map<string, AerError>();
for (const error of [...uncorrectableErrors, ...correctableErrors]) {
  for (const name of [error.name, error.kernelName, error.lspciName ?? error.name]) {
    byName.set(name.toUpperCase(), error);
  }
}

/** Finds an error by its QEMU, lspci or kernel name in any case; no name means two errors (a test holds it so). */
export const findAerError = (name: string): AerError | undefined => byName.get(name.trim().toUpperCase());

/** One bit found set in a status register. `error` is absent for a bit that the specification reserves. */
export interface AerFinding {
  readonly bit: number;
  readonly name: string;
  readonly severity: AerSeverity;
  readonly error?: AerError;
}

const findings = (
  status: number,
  errors: readonly AerError[],
  severityOf: (mask: number) => AerSeverity,
): readonly AerFinding[] => {
  const found: AerFinding[] = [];
  for (let bit = 0; bit < 32; bit += 1) {
    const mask = 2 ** bit;
    if ((status & mask) === 0) continue;
    const error = errors.find((candidate) => candidate.bit === bit);
    const severity = severityOf(mask);
    found.push(
      error === undefined
        ? { bit, name: `reserved bit ${bit}`, severity }
        : { bit, name: error.name, severity, error },
    );
  }
  return found;
};

/** The errors set in an Uncorrectable Error Status value, each with what the severity register makes of it. */
export const decodeUncorrectable = (status: number, severity: number): readonly AerFinding[] =>
  findings(status, uncorrectableErrors, (mask) => ((severity & mask) === 0 ? 'nonFatal' : 'fatal'));

/** The errors set in a Correctable Error Status value. */
export const decodeCorrectable = (status: number): readonly AerFinding[] =>
  findings(status, correctableErrors, () => 'correctable');
