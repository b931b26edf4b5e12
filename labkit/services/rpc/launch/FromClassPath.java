package launch;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.rpc.RpcSystem;
import org.apache.flink.runtime.rpc.RpcSystemLoader;
import org.apache.flink.runtime.rpc.pekko.PekkoRpcSystem;

/**
 * Flink's RPC system from the class path: Java archives what is loaded from there.
 *
 * flink-dist carries it as a jar within the jar, and its own loader unpacks that at each start, into a class
 * loader whose classes no archive can have.
 */
public class FromClassPath implements RpcSystemLoader {
    public RpcSystem loadRpcSystem(Configuration configuration) {
        return new PekkoRpcSystem();
    }

    /** Flink's own has 0; the lowest is tried first. */
    public int getLoadPriority() {
        return -1;
    }
}
