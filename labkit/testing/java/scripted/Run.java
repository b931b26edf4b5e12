package scripted;

import java.io.FileWriter;
import java.io.IOException;
import java.io.Writer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What the parts of one scripted job know of each other, in the TaskManager's memory: which step is next, what has
 * settled, and the journal of all that was seen.
 *
 * Sources take turns: a step is carried out by the one source it belongs to. "Settled" means that all that the steps so far
 * have caused has arrived: checkpoint barriers follow the records through every operator, so a barrier that left all sources
 * after these steps and has reached every recorder proves it. Those checkpoints are then refused, so that the only ones a
 * restart can go back to are those which the script asks for.
 *
 * Compiled by Janino: no generics, no lambdas.
 */
final class Run {
    private static final Map RUNS = new HashMap();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long PATIENCE_MS = 60000;

    private final int sources;
    private final int recorders;
    private final Writer journal;

    private final Set crashes = new HashSet();
    /** By checkpoint: how many sources its barrier has left since the settling began, how many recorders it has reached. */
    private final Map probes = new HashMap();
    private final Set closed = new HashSet();
    private int attempt = -1;
    private int joined;
    private int position;
    private boolean settling;
    private boolean asked;
    /** Nothing is left to play: the checkpoint that a job with sinks of its own ends with is kept. */
    private boolean over;
    /** How often something has settled: a part of a checkpoint that was taken before that need not wait any more. */
    private int settled;
    private long completed = -1;

    private Run(int sources, int recorders, String path) throws IOException {
        this.sources = sources;
        this.recorders = recorders;
        this.journal = new FileWriter(path, true);
    }

    /** The run of that name; the first to ask makes it. */
    static Run of(Setting setting) throws IOException {
        synchronized (RUNS) {
            Run run = (Run) RUNS.get(setting.run);
            if (run == null) {
                run = new Run(setting.sources, setting.recorders, setting.journal);
                RUNS.put(setting.run, run);
            }
            return run;
        }
    }

    static void forget(Setting setting) throws IOException {
        synchronized (RUNS) {
            Run run = (Run) RUNS.remove(setting.run);
            if (run != null) {
                run.journal.close();
            }
        }
    }

    // ---- sources -----------------------------------------------------------------------------------------------------

    /** A source begins, at this step. An attempt that no crash() of the script explains is the last one. */
    synchronized void join(int newAttempt, int restored) {
        if (newAttempt > crashes.size()) {
            throw new SuppressRestartsException(new IllegalStateException("the job failed, and not by its script"));
        }
        if (newAttempt != attempt) {
            attempt = newAttempt;
            joined = 0;
            position = restored;
            settling = false;
            over = false;
            probes.clear();
        }
        joined++;
        notifyAll();
    }

    /** Wait for this source's next step; its index, or the number of steps: there is none left. */
    synchronized int next(int source, int[] owners) throws InterruptedException {
        while (joined < sources || position < owners.length && owners[position] != source) {
            wait();
        }
        over = position >= owners.length;
        return position;
    }

    synchronized void advance() {
        position++;
        notifyAll();
    }

    /** Wait until all that the steps so far have caused is in the journal; with `checkpoint`, and a checkpoint holds it. */
    synchronized void settle(boolean checkpoint) throws Exception {
        forgetBarriersThatLeft();
        asked = checkpoint;
        settling = true;
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (checkpoint ? !holds(completed) : !anyReached()) {
            if (System.currentTimeMillis() > deadline) {
                throw new IllegalStateException("what the script caused did not settle within 60 s");
            }
            wait(100);
        }
        settling = false;
        settled++;
        write(Arrays.asList(new Object[] {checkpoint ? "checkpoint" : "settled", new Integer(position)}));
        notifyAll();
    }

    /** Whether this crash() is still to be carried out; from now on it is not. */
    synchronized boolean crash(int step) throws IOException {
        boolean isNew = crashes.add(new Integer(step));
        if (isNew) {
            write(Arrays.asList(new Object[] {"crash", new Integer(step)}));
        }
        return isNew;
    }

    /** A source takes its part of a checkpoint. */
    synchronized Position snapshot(long checkpoint) {
        if (over) {
            return new Position(this, position, settled);
        }
        if (!settling) {
            return new Position(this, -1, settled);
        }
        probe(checkpoint)[0]++;
        notifyAll();
        return new Position(this, position + 1, settled);
    }

    /** Hold a source's part back until the barrier has done its work. Raises: this checkpoint shall not be kept. */
    synchronized void verdict(Position part) throws IOException {
        if (part.next >= 0 && (asked || over)) {
            return;
        }
        while (part.next >= 0 && settling && settled == part.settled) {
            try {
                wait(100);
            } catch (InterruptedException interrupted) {
                throw new IOException("ended while it waited");
            }
        }
        throw new IOException("a probe, not a checkpoint to keep");
    }

    synchronized void complete(long checkpoint) {
        completed = checkpoint;
        notifyAll();
    }

    // ---- recorders ---------------------------------------------------------------------------------------------------

    /** This recorder begins, or begins again. Not when the sources do: a recorder of a short table may have ended before. */
    synchronized void open(String name, int number) throws IOException {
        closed.remove(name);
        write(Arrays.asList(new Object[] {"open", name, new Integer(number)}));
    }

    synchronized void reached(long checkpoint) {
        probe(checkpoint)[1]++;
        notifyAll();
    }

    /** This recorder gets nothing more, no barrier either. True: it was the last. */
    synchronized boolean close(String name) throws IOException {
        closed.add(name);
        write(Arrays.asList(new Object[] {"end", name}));
        notifyAll();
        return closed.size() == recorders;
    }

    synchronized void write(Object line) throws IOException {
        journal.write(JSON.writeValueAsString(line) + "\n");
        journal.flush();
    }

    // ---- inside ------------------------------------------------------------------------------------------------------

    private int[] probe(long checkpoint) {
        Long key = new Long(checkpoint);
        if (!probes.containsKey(key)) {
            probes.put(key, new int[2]);
        }
        return (int[]) probes.get(key);
    }

    /**
     * A barrier that a source sent before these steps proves nothing of them. One that has only reached recorders is still
     * to leave: within one task it passes the recorder first and the source last, and a settling may begin in between.
     */
    private void forgetBarriersThatLeft() {
        for (Iterator each = probes.values().iterator(); each.hasNext();) {
            if (((int[]) each.next())[0] > 0) {
                each.remove();
            }
        }
    }

    private boolean holds(long checkpoint) {
        return probes.containsKey(new Long(checkpoint)) && probe(checkpoint)[0] == sources;
    }

    private boolean reachedBy(long checkpoint) {
        int[] probe = probe(checkpoint);
        return probe[0] == sources && probe[1] + closed.size() >= recorders;
    }

    private boolean anyReached() {
        for (Object key : probes.keySet().toArray()) {
            if (reachedBy(((Long) key).longValue())) {
                return true;
            }
        }
        return false;
    }
}
