import type { ConfirmedAction } from '../../preload/contract/views.ts';
import { useSelection } from '../stores/selection.ts';

export interface Cards {
  /** Opens a card of a device, from any page. */
  open(card: ConfirmedAction, rig: string, device: string): void;
  close(): void;
}

/** Cards are part of the address, so that a review can be linked to; CardHost shows the one that is open. */
export const useCards = (): Cards => {
  const selection = useSelection();
  return {
    open: (card, rig, device) => void selection.openCard(card, rig, device),
    close: () => void selection.closeCard(),
  };
};
