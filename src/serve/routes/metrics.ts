import type { Route } from '../http/route.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import { prometheusType } from '../metrics/text-format.ts';
import type { BatchQueue } from '../queue/batch-queue.ts';
import type { BatchStore } from '../store/store.ts';

interface MetricsDeps {
  metrics: ServerMetrics;
  queue: Pick<BatchQueue, 'state' | 'snapshotOf'>;
  batches: Pick<BatchStore, 'list'>;
}

/** `GET /metrics`: the numbers of the server, as Prometheus reads them. */
export const metricsRoutes = ({ metrics, queue, batches }: MetricsDeps): Route[] => [
  {
    method: 'GET',
    path: '/metrics',
    async handle(_request, response) {
      response.writeHead(200, { 'Content-Type': prometheusType });
      response.end(metrics.text({ queue, batches }));
    },
  },
];
