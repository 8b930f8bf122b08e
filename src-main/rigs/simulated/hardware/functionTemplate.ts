import type { ConfigSpaceLayout } from './configSpaceLayout.ts';

export type FunctionKind = 'endpoint' | 'rootPort' | 'upstreamPort' | 'downstreamPort';

/**
 * The part of a device that does its work, reduced to what proves that it is alive: an identity register that always
 * reads the same, and a control register that makes the device ready and that every reset clears.
 */
export interface EngineModel {
  readonly bar: number;
  /** Bytes of registers, from offset 0 of the BAR. */
  readonly resetValue: Uint8Array;
  readonly identity: { readonly offset: number; readonly width: 1 | 2 | 4; readonly value: number };
  /** The engine works while all bits of `value` are set in this register. */
  readonly ready: { readonly offset: number; readonly width: 1 | 2 | 4; readonly value: number };
}

/** Everything that functions of one kind have in common. Shared and never written. */
export interface FunctionTemplate {
  readonly key: string;
  /** As the console shows it: "Virtio RNG". */
  readonly name: string;
  /** As lspci names the class: "Non-Volatile memory controller". */
  readonly className: string;
  readonly kind: FunctionKind;
  readonly space: 'conventional' | 'express';
  readonly vendorId: number;
  readonly deviceId: number;
  readonly layout: ConfigSpaceLayout;
  /** Ports have none. */
  readonly engine: EngineModel | undefined;
  /** The host's own driver, which binds when VFIO does not. */
  readonly hostDriver: string;
}
