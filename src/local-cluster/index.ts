/** Room `local-cluster`: server and workers as processes of this machine. */
export {
  type LocalCluster,
  type LocalClusterOptions,
  type LocalWorker,
  type LocalWorkerOptions,
  type LostWorker,
  startLocalCluster,
} from "./local-cluster.js";
