package scripted;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.java.tuple.Tuple;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.Row;

/** The end of a scripted job: writes each row with its kind, and each watermark, into the journal as they come. */
public final class Recorder extends AbstractStreamOperator implements OneInputStreamOperator, BoundedOneInput {
    private final String name;
    private final boolean pickled;
    private Setting setting;
    private transient Run run;

    /** pickled: bytes are Python objects. */
    public Recorder(String name, boolean pickled) {
        this.name = name;
        this.pickled = pickled;
    }

    /** Where the next submitted job writes. */
    public void play(Setting newSetting) {
        setting = newSetting;
    }

    public void open() throws Exception {
        super.open();
        run = Run.of(setting);
        run.open(name, getRuntimeContext().getTaskInfo().getAttemptNumber());
    }

    public void processElement(StreamRecord element) throws Exception {
        Object value = element.getValue();
        String kind = value instanceof Row ? ((Row) value).getKind().shortString() : "+I";
        Object time = element.hasTimestamp() ? new Long(element.getTimestamp()) : null;
        run.write(Arrays.asList(new Object[] {"row", name, kind, told(value), time}));
    }

    public void processWatermark(Watermark mark) throws Exception {
        super.processWatermark(mark);
        run.write(line("watermark", new Long(mark.getTimestamp())));
    }

    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        run.reached(context.getCheckpointId());
    }

    public void endInput() throws Exception {
        if (run.close(name)) {
            String job = getRuntimeContext().getJobInfo().getJobId().toString();
            run.write(Arrays.asList(new Object[] {"counters", Counters.of(job)}));
            Counters.forget(job);
            run.write(Arrays.asList(new Object[] {"done"}));
            Run.forget(setting);
        }
    }

    private List line(String what, Object value) {
        return Arrays.asList(new Object[] {what, name, value});
    }

    /** A value as JSON can hold it; what JSON has no word for is [tag, text]. */
    private Object told(Object value) {
        if (value == null || value instanceof String || value instanceof Boolean || value instanceof Integer
                || value instanceof Long || value instanceof Short || value instanceof Byte) {
            return value;
        }
        if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            boolean finite = !Double.isNaN(number) && !Double.isInfinite(number);
            return finite ? value : tagged("float", value.toString());
        }
        if (value instanceof byte[]) {
            return tagged(pickled ? "pickled" : "bytes", java.util.Base64.getEncoder().encodeToString((byte[]) value));
        }
        if (value instanceof Row) {
            return row((Row) value);
        }
        if (value instanceof Tuple) {
            List fields = new ArrayList();
            for (int i = 0; i < ((Tuple) value).getArity(); i++) {
                fields.add(told(((Tuple) value).getField(i)));
            }
            return tagged("tuple", fields);
        }
        if (value instanceof Map) {
            List pairs = new ArrayList();
            for (Iterator each = ((Map) value).entrySet().iterator(); each.hasNext();) {
                Map.Entry entry = (Map.Entry) each.next();
                pairs.add(Arrays.asList(new Object[] {told(entry.getKey()), told(entry.getValue())}));
            }
            return tagged("map", pairs);
        }
        if (value instanceof Iterable) {
            return tagged("list", list(((Iterable) value).iterator()));
        }
        if (value.getClass().isArray()) {
            List items = new ArrayList();
            for (int i = 0; i < java.lang.reflect.Array.getLength(value); i++) {
                items.add(told(java.lang.reflect.Array.get(value, i)));
            }
            return tagged("list", items);
        }
        return tagged(value.getClass().getSimpleName(), value.toString());
    }

    private List list(Iterator each) {
        List items = new ArrayList();
        while (each.hasNext()) {
            items.add(told(each.next()));
        }
        return items;
    }

    private Object row(Row row) {
        Set names = row.getFieldNames(true);
        List fields = new ArrayList();
        if (names == null) {
            for (int i = 0; i < row.getArity(); i++) {
                fields.add(told(row.getField(i)));
            }
            return tagged("values", fields);
        }
        for (Iterator each = names.iterator(); each.hasNext();) {
            String field = (String) each.next();
            fields.add(Arrays.asList(new Object[] {field, told(row.getField(field))}));
        }
        return tagged("row", fields);
    }

    private static List tagged(String tag, Object value) {
        return Arrays.asList(new Object[] {tag, value});
    }
}
