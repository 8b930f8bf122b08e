import type { DeltaBatch } from '../../preload/contract/deltas.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import { failure, type Result } from '../core/result.ts';
import type { ServiceConnection } from '../service/benchService.ts';
import type { PageAddress } from './pageAddress.ts';
import { isOwnSender, type Sender } from './sender.ts';

export interface PageLinkPorts {
  readonly page: PageAddress;
  readonly webContentsId: number;
  readonly connect: () => ServiceConnection;
  readonly push: (batch: DeltaBatch) => void;
}

/**
 * The page's connection to the service. It lives as long as one document: a page that reloads or crashes leaves its
 * connection behind, and the next one starts with its first command and a snapshot. Recoveries know nothing of it.
 */
export class PageLink {
  readonly #ports: PageLinkPorts;
  #connection: { readonly service: ServiceConnection; readonly stopDeltas: () => void } | null = null;

  constructor(ports: PageLinkPorts) {
    this.#ports = ports;
  }

  /** Sender check, then the service's parse, role check and run. Always a Result: nothing is thrown across invoke. */
  async answer(sender: Sender | null, name: CommandName, input: unknown): Promise<Result<unknown>> {
    const { page, webContentsId } = this.#ports;
    if (!isOwnSender(sender, page, webContentsId)) {
      return failure(
        'senderRefused',
        `“${name}” was not sent by the console’s own window, so it was not looked at.`,
      );
    }
    try {
      return await this.#open().execute(name, input);
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : String(cause);
      return failure(
        'linkLost',
        `“${name}” broke inside the bench (${words}). The timeline shows what it did.`,
      );
    }
  }

  /** The document that the connection belonged to is gone. */
  pageGone(): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.stopDeltas();
    connection?.service.close();
  }

  #open(): ServiceConnection {
    if (this.#connection === null) {
      const service = this.#ports.connect();
      this.#connection = { service, stopDeltas: service.onDeltas(this.#ports.push) };
    }
    return this.#connection.service;
  }
}
