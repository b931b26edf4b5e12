package scripted;

import java.util.Iterator;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.source.legacy.RichSourceFunction;
import org.apache.flink.streaming.api.functions.source.legacy.SourceFunction;
import org.apache.flink.streaming.api.typeinfo.python.PickledByteArrayTypeInfo;
import org.apache.flink.streaming.api.watermark.Watermark;

/** One input of a scripted job: carries out the steps of the script that are its own, one at a time, in the script's order. */
public final class ScriptSource extends RichSourceFunction implements CheckpointedFunction, CheckpointListener {
    static final int ROW = 0;
    static final int WATERMARK = 1;
    static final int SETTLE = 2;
    static final int CHECKPOINT = 3;
    static final int CRASH = 4;

    private final int number;
    private final DeserializationSchema format;
    private Setting setting;
    private int[] kinds;
    private int[] owners;
    private long[] times;
    private byte[][] values;
    private transient Run run;
    private transient ListState state;
    private transient volatile boolean ended;

    /** format: how a row's bytes are read; null: they are the value. */
    public ScriptSource(int number, DeserializationSchema format) {
        this.number = number;
        this.format = format;
    }

    TypeInformation produced() {
        return format == null ? PickledByteArrayTypeInfo.PICKLED_BYTE_ARRAY_TYPE_INFO : format.getProducedType();
    }

    boolean isOfObjects() {
        return format == null;
    }

    /** What the next submitted job does. One entry a step: kind, the source it is for, its time or Long.MIN_VALUE, its bytes. */
    public void play(Setting newSetting, int[] newKinds, int[] newOwners, long[] newTimes, byte[][] newValues) {
        setting = newSetting;
        kinds = newKinds;
        owners = newOwners;
        times = newTimes;
        values = newValues;
    }

    public void initializeState(FunctionInitializationContext context) throws Exception {
        state = context.getOperatorStateStore().getListState(
                new ListStateDescriptor("position", new Position.Serializer()));
        int restored = 0;
        for (Iterator each = ((Iterable) state.get()).iterator(); each.hasNext();) {
            restored = ((Position) each.next()).next;
        }
        run = Run.of(setting);
        run.join(getRuntimeContext().getTaskInfo().getAttemptNumber(), restored);
    }

    public void open(OpenContext context) throws Exception {
        if (format != null) {
            format.open(null);
        }
    }

    public void run(SourceFunction.SourceContext context) throws Exception {
        for (int step = run.next(number, owners); step < owners.length && !ended; step = run.next(number, owners)) {
            if (kinds[step] == ROW) {
                Object value = format == null ? (Object) values[step] : format.deserialize(values[step]);
                synchronized (context.getCheckpointLock()) {
                    if (times[step] == Long.MIN_VALUE) {
                        context.collect(value);
                    } else {
                        context.collectWithTimestamp(value, times[step]);
                    }
                }
            } else if (kinds[step] == WATERMARK) {
                synchronized (context.getCheckpointLock()) {
                    context.emitWatermark(new Watermark(times[step]));
                }
            } else {
                run.settle(kinds[step] == CHECKPOINT);
                if (kinds[step] == CRASH && run.crash(step)) {
                    throw new RuntimeException("crash() of the script");
                }
            }
            run.advance();
        }
    }

    public void cancel() {
        ended = true;
    }

    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        state.clear();
        state.add(run.snapshot(context.getCheckpointId()));
    }

    public void notifyCheckpointComplete(long id) {
        run.complete(id);
    }

    public void notifyCheckpointAborted(long id) {}
}
