import type { HandlersOf } from './handler.ts';

export const operatorCommands: HandlersOf<'takeOperator' | 'offerOperator' | 'answerOffer'> = {
  takeOperator: async (_input, { bench, caller }) => bench.operator.take(caller.seat),
  offerOperator: async ({ viewer }, { bench }) => bench.operator.offer(viewer),
  answerOffer: async ({ grant }, { bench }) => bench.operator.answer(grant),
};
