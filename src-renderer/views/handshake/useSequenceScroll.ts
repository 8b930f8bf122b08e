import { onMounted, onUnmounted, ref, shallowRef, watch, type Ref } from 'vue';
import type { Microseconds } from '../../../src-main/core/recovery/phase.ts';
import type { SequenceMark } from '../../../src-main/core/timeline/sequence.ts';

/** The part of the drawing that is drawn, in its own pixels. */
export interface Sight {
  readonly top: number;
  readonly bottom: number;
}

type Box = Pick<SequenceMark, 'y' | 'lines'>;

/** What belongs to a row: its lines of text, and the arrow below them. */
export const topOf = (mark: Box): number => mark.y - 8 - mark.lines.length * 14;
export const heightOf = (mark: Pick<SequenceMark, 'lines'>): number => mark.lines.length * 14 + 15;

export const inSight = (mark: Box, { top, bottom }: Sight): boolean =>
  topOf(mark) <= bottom && topOf(mark) + heightOf(mark) >= top;

/** What is drawn above and below the part in sight, and the steps in which that part moves, in pixels. */
const margin = 600;
const stride = 200;
/** How near to its end the diagram is followed. */
const nearEnd = 48;

export interface SequenceScroll {
  /** The width that a diagram may have. */
  readonly room: Ref<number>;
  readonly sight: Ref<Sight>;
  readonly onScroll: () => void;
  /** Scrolls as little as is needed to show a row. */
  readonly reveal: (mark: SequenceMark) => void;
}

/**
 * Follows the end of the diagram, unless somebody scrolled up to read. It moves when the browser has laid out the page
 * and says that the drawing has another size: asking for the size before that would make it lay out twice a frame.
 * `origin` tells one recovery from the next, which is followed again.
 */
export const useSequenceScroll = (
  scroller: Readonly<Ref<HTMLElement | null>>,
  drawing: Readonly<Ref<HTMLElement | null>>,
  origin: Ref<Microseconds>,
): SequenceScroll => {
  const room = ref(560);
  const sight = shallowRef<Sight>({ top: -Infinity, bottom: Infinity });
  let following = true;
  let observer: ResizeObserver | null = null;

  const look = (box: HTMLElement): void => {
    // Without a size, as where nothing is laid out, all of it is drawn.
    if (box.clientHeight === 0) return;
    const from = Math.floor(box.scrollTop / stride) * stride;
    const next = { top: from - margin, bottom: from + box.clientHeight + stride + margin };
    if (next.top !== sight.value.top || next.bottom !== sight.value.bottom) sight.value = next;
  };

  const onScroll = (): void => {
    const box = scroller.value;
    if (box === null) return;
    following = box.scrollHeight - box.scrollTop - box.clientHeight < nearEnd;
    look(box);
  };

  const onSize = (): void => {
    const box = scroller.value;
    if (box === null) return;
    room.value = box.clientWidth - 24;
    if (following) box.scrollTop = box.scrollHeight;
    look(box);
  };

  const reveal = (mark: SequenceMark): void => {
    const box = scroller.value;
    if (box === null) return;
    if (mark.top < box.scrollTop) box.scrollTop = mark.top - 20;
    else if (mark.bottom + 30 > box.scrollTop + box.clientHeight) {
      box.scrollTop = mark.bottom + 30 - box.clientHeight;
    }
  };

  watch(origin, () => {
    following = true;
  });
  onMounted(() => {
    if (typeof ResizeObserver === 'undefined') return;
    observer = new ResizeObserver(onSize);
    for (const element of [scroller.value, drawing.value]) if (element !== null) observer.observe(element);
  });
  onUnmounted(() => observer?.disconnect());

  return { room, sight, onScroll, reveal };
};
