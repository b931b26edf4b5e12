package org.apache.flink.client.python;

import java.io.File;
import java.io.FileWriter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.flink.api.python.shaded.py4j.Gateway;
import org.apache.flink.api.python.shaded.py4j.GatewayServer;

/**
 * A py4j gateway that outlives its clients. PyFlink's own ends with its first client: it pings a watchdog in it.
 *
 * In that package because starting and setting the server is for its members only.
 */
public final class Resident {
    /** {process, number of the first object made for it}, in the order in which processes came. */
    private static final List TURNS = new ArrayList();

    /** The file named by the only argument gets the port. */
    public static void main(String[] arguments) throws Exception {
        GatewayServer server = PythonEnvUtils.startGatewayServer();
        PythonEnvUtils.setGatewayServer(server);
        File half = new File(arguments[0] + ".half");
        FileWriter writer = new FileWriter(half);
        writer.write(String.valueOf(server.getListeningPort()));
        writer.close();
        half.renameTo(new File(arguments[0]));
        Thread.currentThread().join();
    }

    /**
     * This process's turn begins. True: it was another's before, who may have set the callback client.
     * What processes that have ended left in the gateway is let go.
     */
    public static synchronized boolean begin(long process) throws Exception {
        Gateway gateway = PythonEnvUtils.getGatewayServer().getGateway();
        boolean isNew = TURNS.isEmpty() || ((long[]) TURNS.get(TURNS.size() - 1))[0] != process;
        if (isNew) {
            forgetTheDead(gateway);
            TURNS.add(new long[] {process, number(gateway.putNewObject(new Object()))});
        }
        return isNew;
    }

    private static void forgetTheDead(Gateway gateway) throws Exception {
        long end = Long.MAX_VALUE;
        for (int turn = TURNS.size() - 1; turn >= 0; turn--) {
            long[] each = (long[]) TURNS.get(turn);
            if (!lives(each[0])) {
                Iterator keys = gateway.getBindings().keySet().iterator();
                while (keys.hasNext()) {
                    long number = number((String) keys.next());
                    if (each[1] <= number && number < end) {
                        keys.remove();
                    }
                }
                TURNS.remove(turn);
            }
            end = each[1];
        }
    }

    /** By reflection: Janino calls no static method of an interface. */
    private static boolean lives(long process) throws Exception {
        Object found = Class.forName("java.lang.ProcessHandle").getMethod("of", new Class[] {long.class})
                .invoke(null, new Object[] {new Long(process)});
        return ((java.util.Optional) found).isPresent();
    }

    private static long number(String id) {
        return id.matches("o\\d+") ? Long.parseLong(id.substring(1)) : -1;
    }
}
