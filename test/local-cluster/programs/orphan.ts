/** Starts a cluster, says which processes it has, then waits to be killed. */
import { startLocalCluster } from "../../../src/local-cluster/index.js";

const cluster = await startLocalCluster({ workers: 1, cpus: 1 });
process.send?.({ address: cluster.address, pid: cluster.workers[0].pid });
