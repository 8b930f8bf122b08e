/**
 * How lspci words what is not a plain flag: for each group of each capability, the phrases that our decode makes and
 * that must be found in lspci's text. A phrase that is not found is simply not taken away, and what is left over then
 * fails the comparison, so rules may list phrases that lspci prints only sometimes.
 */
import { headerPhrases } from './lspci-rules-header.ts';
import type { Lookup } from './lspci-lookup.ts';

export type Phrase = (lookup: Lookup) => string;

export interface GroupRule {
  /** The register whose flags the group shows; by default the one with the label of the group. */
  readonly register?: string;
  /** The same for the flags that follow a word with a colon inside the group. */
  readonly registerOfPrefix?: Readonly<Record<string, string>>;
  readonly phrases?: readonly Phrase[];
  /** lspci's flag name -> ours, where one bit has two names. */
  readonly aliases?: Readonly<Record<string, string>>;
}

export interface SectionRule {
  readonly title: RegExp;
  readonly head?: GroupRule;
  readonly groups: Readonly<Record<string, GroupRule>>;
}

export const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** `DevCtl MaxPayload`: the literal, then the field of that label in words. */
const says =
  (register: string, field: string, literal = `${field} `): Phrase =>
  (lookup) =>
    `${literal}${lookup.words(register, field)}`;

/** Message numbers are worded in one way by pciutils 3.9 and in another since 3.11. */
const messageNumber =
  (register: string, field: string): Phrase =>
  (lookup) =>
    `IntMsgNum ${lookup.value(register, field)}`;

const saysAll = (register: string, ...fields: readonly string[]): readonly Phrase[] =>
  fields.map((field) => says(register, field));

/** Express compares a link with what it could be; only towards the link partner that is to be blamed. */
const compared = (lookup: Lookup, field: 'Speed' | 'Width'): string => {
  const [status, capability] = [lookup.value('LnkSta', field), lookup.value('LnkCap', field)];
  if (status > capability) return ' (overdriven)';
  const downstream = [4, 6, 8].includes(lookup.value('Express', 'type'));
  return status === capability || downstream ? '' : ' (downgraded)';
};

const aer: SectionRule = {
  title: /^Advanced Error Reporting$/,
  groups: {
    UESta: {},
    UEMsk: {},
    UESvrt: {},
    CESta: {},
    CEMsk: {},
    AERCap: { phrases: [says('AERCap', 'First Error Pointer', 'First Error Pointer: ')] },
    HeaderLog: {
      phrases: [(lookup) => [0, 1, 2, 3].map((index) => lookup.words(`HeaderLog ${index}`)).join(' ')],
    },
    RootCmd: {},
    RootSta: { phrases: [...saysAll('RootSta', 'IntMsg'), messageNumber('RootSta', 'IntMsg')] },
    ErrorSrc: {
      phrases: [
        says('ERR_COR', 'ERR_COR', 'ERR_COR: '),
        says('ERR_FATAL/NONFATAL', 'ERR_FATAL/NONFATAL', 'ERR_FATAL/NONFATAL: '),
      ],
    },
  },
};

const express: SectionRule = {
  title: /^Express /,
  head: {
    register: 'Express',
    phrases: [
      () => 'Express',
      (lookup) => `(v${lookup.value('Express', 'v')})`,
      (lookup) =>
        `${lookup.words('Express', 'type')} (Slot${lookup.value('Express', 'Slot') === 1 ? '+' : '-'})`,
      (lookup) => lookup.words('Express', 'type'),
      (lookup) => `MSI ${hex(lookup.value('Express', 'MSI'), 2)}`,
      messageNumber('Express', 'MSI'),
    ],
  },
  groups: {
    DevCap: {
      phrases: [
        ...saysAll('DevCap', 'MaxPayload', 'PhantFunc', 'SlotPowerLimit'),
        (lookup) => `Latency L0s ${lookup.words('DevCap', 'L0s')}, L1 ${lookup.words('DevCap', 'L1')}`,
      ],
    },
    DevCtl: { phrases: saysAll('DevCtl', 'MaxPayload', 'MaxReadReq'), aliases: { BrConfRtry: 'FLReset' } },
    DevSta: {},
    LnkCap: {
      phrases: [
        says('LnkCap', 'Port', 'Port #'),
        (lookup) =>
          `Exit Latency L0s ${lookup.words('LnkCap', 'Exit Latency L0s')}, L1 ${lookup.words('LnkCap', 'Exit Latency L1')}`,
        ...saysAll('LnkCap', 'Exit Latency L0s', 'Exit Latency L1', 'Speed', 'Width', 'ASPM'),
      ],
    },
    LnkCtl: { phrases: saysAll('LnkCtl', 'ASPM', 'RCB'), aliases: { LnkDisable: 'Disabled' } },
    LnkSta: {
      phrases: [
        (lookup) => `Speed ${lookup.words('LnkSta', 'Speed')}${compared(lookup, 'Speed')}`,
        (lookup) => `Width ${lookup.words('LnkSta', 'Width')}${compared(lookup, 'Width')}`,
      ],
    },
    SltCap: { phrases: [says('SltCap', 'Slot', 'Slot #'), ...saysAll('SltCap', 'PowerLimit')] },
    SltCtl: {
      phrases: [
        (lookup) => `AttnInd ${lookup.words('SltCtl', 'Control: AttnInd')}`,
        (lookup) => `PwrInd ${lookup.words('SltCtl', 'Control: PwrInd')}`,
      ],
    },
    SltSta: {},
    RootCap: {},
    RootCtl: {},
    RootSta: { phrases: saysAll('RootSta', 'PME ReqID') },
    DevCap2: {
      phrases: [
        says('DevCap2', 'Completion Timeout', 'Completion Timeout: '),
        ...saysAll('DevCap2', 'OBFF', 'MaxEETLPPrefixes', 'EmergencyPowerReduction', 'LN System CLS'),
      ],
    },
    DevCtl2: {
      phrases: [says('DevCtl2', 'Completion Timeout', 'Completion Timeout: '), ...saysAll('DevCtl2', 'OBFF')],
    },
    LnkCap2: { phrases: [says('LnkCap2', 'Supported Link Speeds', 'Supported Link Speeds: ')] },
    LnkCtl2: {
      phrases: [
        'Target Link Speed',
        'Selectable De-emphasis',
        'Transmit Margin',
        'Compliance Preset/De-emphasis',
      ].map((field) => says('LnkCtl2', field, `${field}: `)),
    },
    LnkSta2: {
      phrases: ['Current De-emphasis Level', 'CrosslinkRes', 'DownstreamComp'].map((field) =>
        says('LnkSta2', field, `${field}: `),
      ),
    },
  },
};

const virtualChannelGroup = (index: number): GroupRule => ({
  register: `VC${index}`,
  registerOfPrefix: { 'Arb:': `VC${index} Caps` },
  phrases: [
    () => 'Port Arbitration Table <?>',
    says(`VC${index} Caps`, 'PATOffset', 'PATOffset='),
    says(`VC${index} Caps`, 'MaxTimeSlots', 'MaxTimeSlots='),
    says(`VC${index} Ctrl`, 'ID', 'ID='),
    says(`VC${index} Ctrl`, 'ArbSelect', 'ArbSelect='),
    says(`VC${index} Ctrl`, 'TC/VC', 'TC/VC='),
  ],
});

/** `BAR 2: current size: 1GB, supported: 16MB 1PB`; lspci orders entries as they lie, we find them by BAR index. */
const resizableGroup = (bar: number): GroupRule => ({
  phrases: [0, 1, 2, 3, 4, 5].map((index) => (lookup: Lookup) => {
    const name = `entry${index}`;
    if (!lookup.hasNamed(`${name}.control`) || lookup.named(`${name}.control`, 'barIndex') !== bar) return '';
    const sizes = [
      lookup.wordsNamed(`${name}.capabilities`, 'supportedSizes'),
      lookup.wordsNamed(`${name}.control`, 'supportedLargeSizes'),
    ].filter((text) => text !== '');
    const supported = sizes.length === 0 ? '' : `, supported: ${sizes.join(' ')}`;
    return `current size: ${lookup.wordsNamed(`${name}.control`, 'barSize')}${supported}`;
  }),
});

const virtualFunctionRegion = (index: number): GroupRule => ({
  phrases: [
    (lookup) => {
      const region = `Region ${index}`;
      const type = lookup.value(region, 'memoryType');
      const upper = type === 2 ? hex(lookup.whole(`Region ${index + 1}`), 8) : '';
      const prefetchable = lookup.value(region, 'prefetchable') === 1 ? '' : 'non-';
      const address = `${upper}${lookup.words(region, 'address')}`;
      return `Memory at ${address} (${type === 0 ? '32' : '64'}-bit, ${prefetchable}prefetchable)`;
    },
  ],
});

const plainRule = (...labels: readonly string[]): GroupRule => ({
  phrases: labels.map((label, index) => says(label, label, index === 0 ? '' : `${label}: `)),
});

const numbered = (count: number, rule: (index: number) => GroupRule, prefix: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, rule(index)]));

export const sectionRules: readonly SectionRule[] = [
  { title: /^Header$/, groups: headerPhrases },
  {
    title: /^Power Management /,
    head: { phrases: [says('Flags', 'version', 'Power Management version ')] },
    groups: {
      Flags: { phrases: [says('Flags', 'AuxCurrent', 'AuxCurrent=')] },
      Status: {
        phrases: [
          says('Status', 'state', ''),
          says('Status', 'DSel', 'DSel='),
          says('Status', 'DScale', 'DScale='),
        ],
      },
      Bridge: { phrases: [(lookup) => `B3${lookup.value('Bridge', 'b2Support') === 1 ? '-' : '+'}`] },
    },
  },
  {
    title: /^MSI: /,
    head: {
      register: 'MSI',
      phrases: [
        () => 'MSI:',
        (lookup) => `Count=${lookup.words('MSI', 'Enabled')}/${lookup.words('MSI', 'Capable')}`,
      ],
    },
    groups: {
      Address: {
        phrases: [
          (lookup) =>
            `${lookup.has('Upper address') ? lookup.words('Upper address') : ''}${lookup.words('Address')}`,
          says('Data', 'Data', 'Data: '),
        ],
      },
      Masking: plainRule('Masking', 'Pending'),
    },
  },
  {
    title: /^MSI-X: /,
    head: { register: 'MSI-X', phrases: [() => 'MSI-X:', says('MSI-X', 'Count', 'Count=')] },
    groups: Object.fromEntries(
      ['Vector table', 'PBA'].map((label) => [
        label,
        { phrases: [says(label, 'BAR', 'BAR='), says(label, 'offset', 'offset=')] },
      ]),
    ),
  },
  express,
  {
    title: /^Subsystem: /,
    head: {
      phrases: [
        (lookup) =>
          `Subsystem: ${hex(lookup.named('subsystemVendorId'), 4)}:${hex(lookup.named('subsystemId'), 4)}`,
      ],
    },
    groups: {},
  },
  {
    title: /^Vendor Specific Information: VirtIO: /,
    head: {
      phrases: [
        (lookup) => {
          const kind = lookup.value('VirtIO');
          return `Vendor Specific Information: VirtIO: ${kind >= 1 && kind <= 4 ? lookup.words('VirtIO') : '<unknown>'}`;
        },
      ],
    },
    groups: {
      '': {
        phrases: [
          says('BAR', 'BAR', 'BAR='),
          says('offset', 'offset', 'offset='),
          says('size', 'size', 'size='),
          says('multiplier', 'multiplier', 'multiplier='),
        ],
      },
    },
  },
  {
    title: /^Vendor Specific Information: Len=/,
    head: { phrases: [(lookup) => `Vendor Specific Information: Len=${lookup.words('Len')} <?>`] },
    groups: {},
  },
  {
    title: /^Vendor Specific Information: ID=/,
    head: {
      phrases: [
        (lookup) => {
          const words = (field: string) => lookup.words('Vendor Specific Information', field);
          return `Vendor Specific Information: ID=${words('ID')} Rev=${words('Rev')} Len=${words('Len')} <?>`;
        },
      ],
    },
    groups: {},
  },
  aer,
  {
    title: /^Device Serial Number /,
    head: {
      phrases: [
        (lookup) => {
          const digits = `${lookup.words('serial upper')}${lookup.words('serial lower')}`;
          return `Device Serial Number ${(digits.match(/../g) ?? []).join('-')}`;
        },
      ],
    },
    groups: {},
  },
  { title: /^Access Control Services$/, groups: { ACSCap: {}, ACSCtl: {} } },
  {
    title: /^Alternative Routing-ID Interpretation \(ARI\)$/,
    groups: {
      ARICap: { phrases: [says('ARICap', 'Next Function', 'Next Function: ')] },
      ARICtl: { phrases: [says('ARICtl', 'Function Group', 'Function Group: ')] },
    },
  },
  {
    title: /^Address Translation Service \(ATS\)$/,
    groups: {
      ATSCap: { phrases: [says('ATSCap', 'Invalidate Queue Depth', 'Invalidate Queue Depth: ')] },
      ATSCtl: { phrases: [says('ATSCtl', 'Smallest Translation Unit', 'Smallest Translation Unit: ')] },
    },
  },
  {
    title: /^Page Request Interface \(PRI\)$/,
    groups: {
      PRICtl: {},
      PRISta: {},
      'Page Request Capacity': plainRule('Page Request Capacity', 'Page Request Allocation'),
    },
  },
  {
    title: /^Process Address Space ID \(PASID\)$/,
    groups: {
      PASIDCap: { phrases: [says('PASIDCap', 'Max PASID Width', 'Max PASID Width: ')] },
      PASIDCtl: {},
    },
  },
  {
    title: /^Single Root I\/O Virtualization \(SR-IOV\)$/,
    groups: {
      IOVCap: {
        phrases: [
          messageNumber('IOVCap', 'Interrupt Message Number'),
          says('IOVCap', 'Interrupt Message Number', 'Interrupt Message Number: '),
        ],
      },
      IOVCtl: {},
      IOVSta: {},
      'Initial VFs': plainRule('Initial VFs', 'Total VFs', 'Number of VFs', 'Function Dependency Link'),
      'VF offset': plainRule('VF offset', 'stride', 'Device ID'),
      'Supported Page Size': plainRule('Supported Page Size', 'System Page Size'),
      'VF Migration': {
        phrases: [says('VF Migration', 'offset', 'offset: '), says('VF Migration', 'BIR', 'BIR: ')],
      },
      ...numbered(6, virtualFunctionRegion, 'Region '),
    },
  },
  {
    title: /^(Physical|Virtual) Resizable BAR$/,
    groups: numbered(8, resizableGroup, 'BAR '),
  },
  {
    title: /^Virtual Channel$/,
    groups: {
      Caps: {
        phrases: [
          says('Caps', 'LPEVC', 'LPEVC='),
          says('Caps', 'RefClk', 'RefClk='),
          says('Caps', 'PATEntryBits', 'PATEntryBits='),
        ],
      },
      Arb: {},
      Ctrl: { phrases: [says('Ctrl', 'ArbSelect', 'ArbSelect=')] },
      Status: {},
      '': {
        phrases: [
          (lookup) =>
            `Port Arbitration Table [${hex(lookup.start + 16 * lookup.value('Arb', 'Port Arbitration Table'), 1)}] <?>`,
        ],
      },
      ...numbered(8, virtualChannelGroup, 'VC'),
    },
  },
  {
    title: /^Downstream Port Containment$/,
    groups: {
      DpcCap: {
        phrases: [
          messageNumber('DpcCap', 'INT Msg'),
          says('DpcCap', 'INT Msg', 'INT Msg #'),
          says('DpcCap', 'RP PIO Log'),
        ],
      },
      DpcCtl: { phrases: [(lookup) => `Trigger:${hex(lookup.value('DpcCtl', 'Trigger'), 1)}`] },
      DpcSta: {
        phrases: [
          (lookup) => `Reason:${hex(lookup.value('DpcSta', 'Reason'), 2)}`,
          says('DpcSta', 'TriggerExt', 'TriggerExt:'),
          says('DpcSta', 'RP PIO ErrPtr', 'RP PIO ErrPtr:'),
        ],
      },
      Source: plainRule('Source'),
    },
  },
  {
    title: /^L1 PM Substates$/,
    groups: {
      L1SubCap: {
        phrases: ['PortCommonModeRestoreTime', 'PortTPowerOnTime'].map((field) =>
          says('L1SubCap', field, `${field}=`),
        ),
      },
      L1SubCtl1: {
        phrases: ['T_CommonMode', 'LTR1.2_Threshold'].map((field) => says('L1SubCtl1', field, `${field}=`)),
      },
      L1SubCtl2: { phrases: [says('L1SubCtl2', 'T_PwrOn', 'T_PwrOn=')] },
    },
  },
  {
    title: /^Precision Time Measurement$/,
    groups: {
      PTMCap: {},
      PTMClockGranularity: { phrases: [says('PTMCap', 'PTMClockGranularity', '')] },
      PTMControl: {},
      PTMEffectiveGranularity: { phrases: [says('PTMControl', 'PTMEffectiveGranularity', '')] },
    },
  },
  {
    title: /^Transaction Processing Hints$/,
    groups: {
      '': {
        phrases: [
          ...[
            'Interrupt vector mode supported',
            'Device specific mode supported',
            'Extended requester support',
          ].map(
            (label): Phrase =>
              (lookup) =>
                lookup.value('TPHCap', label) === 1 ? label : '',
          ),
          (lookup) => lookup.words('TPHCap', 'steering table'),
        ],
      },
    },
  },
  {
    title: /^Latency Tolerance Reporting$/,
    groups: Object.fromEntries(
      ['Max snoop latency', 'Max no snoop latency'].map((label) => [
        label,
        { phrases: [says(label, 'latency', '')] },
      ]),
    ),
  },
];

/** Capabilities that lspci decodes and the console does not need to: their place and id are compared, no more. */
export const placeOnly =
  /^(Designated Vendor-Specific|Data Object Exchange|SATA HBA|Hot-plug capable|Extended Capability ID|<chain looped>)/;
