/** A backend for tests, whose answers a test gives by hand. */
import type { Backend, PotMove, PotMoveResult, TransactionId, TransactionList } from "./backend.ts";

type ReadOptions = Parameters<Backend["getTransactions"]>[1];

interface Call<Request, Response> {
  request: Request;
  answer(response: Response): Promise<void>;
  fail(error: unknown): Promise<void>;
}

export class FakeBackend implements Backend {
  readonly reads: Call<{ account: string } & ReadOptions, TransactionList>[] = [];
  readonly annotations: Call<{ transaction: TransactionId; notes: string }, { notes: string }>[] =
    [];
  readonly attachments: Call<{ transaction: TransactionId; file: File }, void>[] = [];
  readonly moves: Call<PotMove, PotMoveResult>[] = [];

  getTransactions(account: string, options: ReadOptions): Promise<TransactionList> {
    return record(this.reads, { account, ...options });
  }

  annotate(transaction: TransactionId, notes: string): Promise<{ notes: string }> {
    return record(this.annotations, { transaction, notes });
  }

  attachFile(transaction: TransactionId, file: File): Promise<void> {
    return record(this.attachments, { transaction, file });
  }

  movePot(request: PotMove): Promise<PotMoveResult> {
    return record(this.moves, request);
  }
}

function record<Request, Response>(
  calls: Call<Request, Response>[],
  request: Request,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  calls.push({
    request,
    answer(response) {
      resolve(response);
      return settled();
    },
    fail(error) {
      reject(error);
      return settled();
    },
  });
  return promise;
}

/** Wait until everything that follows from an answer has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
