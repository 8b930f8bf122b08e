import type { Lane } from './rows.ts';

/** Where a drawing puts its lanes and texts. Lengths are in units of the drawing. */
export interface SequenceFrame {
  readonly width: number;
  /** From one row of one line to the next. */
  readonly rowHeight: number;
  readonly laneX: Readonly<Record<Lane, number>>;
  /** Where the phases stand, right of the device lane; null leaves them out. */
  readonly phaseX: number | null;
  /** What an average character of a text takes. */
  readonly characterWidth: number;
  /** A text that needs more room than its arrow has is broken into so many lines, and cut after them. */
  readonly mostLines: number;
  /** How far "now" may wander down before the next row. */
  readonly nowRoom: number;
}

/** The drawing of the report: a fixed width, scaled by whoever shows it. */
export const reportFrame: SequenceFrame = {
  width: 780,
  rowHeight: 34,
  laneX: { kernel: 150, bench: 400, device: 650 },
  phaseX: 670,
  characterWidth: 6.4,
  mostLines: 1,
  nowRoom: 0,
};

/** Beside the times: room for the label of a lane. */
const firstLane = 108;
export const laneLabelWidth = 76;
/** The longest name of a phase. */
const phaseRoom = 108;
const widestDrawing = 940;
const narrowestDrawing = 380;

/** The drawing of a screen, one unit a pixel: what does not fit into a line is broken instead of shrunk. */
export const frameOfWidth = (room: number): SequenceFrame => {
  const width = Math.max(narrowestDrawing, Math.min(widestDrawing, Math.floor(room)));
  const phases = width >= 620;
  const device = width - (phases ? phaseRoom : 0) - laneLabelWidth / 2 - 2;
  return {
    width,
    rowHeight: 29,
    laneX: { kernel: firstLane, bench: Math.round((firstLane + device) / 2), device },
    phaseX: phases ? device + 14 : null,
    characterWidth: 6.1,
    mostLines: 3,
    nowRoom: 26,
  };
};
