package scripted;

import java.util.Base64;
import java.util.List;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.formats.common.TimestampFormat;
import org.apache.flink.formats.json.JsonRowDataDeserializationSchema;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.table.api.ExplainDetail;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeParser;

/** The client's side: few calls with much in them, for each call from Python costs a tenth of a millisecond and more. */
public final class Client {
    private Client() {}

    /** A source of rows of that type, read from JSON. type: ROW<name TYPE, ...>. */
    public static ScriptSource rows(int number, String type) {
        RowType rows = (RowType) LogicalTypeParser.parse(type, Client.class.getClassLoader());
        InternalTypeInfo info = InternalTypeInfo.of(rows);
        return new ScriptSource(number,
                new JsonRowDataDeserializationSchema(rows, info, false, false, TimestampFormat.ISO_8601));
    }

    /** The stream of such a source. */
    public static DataStream stream(StreamExecutionEnvironment environment, ScriptSource source, String name, String type) {
        TypeInformation info =
                InternalTypeInfo.of(LogicalTypeParser.parse(type, Client.class.getClassLoader()));
        return environment.addSource(source, name, info).setParallelism(1);
    }

    /** A source of Python objects as PyFlink pickles them. */
    public static ScriptSource objects(int number) {
        return new ScriptSource(number, null);
    }

    /** The stream of such a source. */
    public static DataStream stream(StreamExecutionEnvironment environment, ScriptSource source, String name) {
        return environment.addSource(source, name, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO).setParallelism(1);
    }

    /** The end of that stream: everything that comes out is recorded. */
    public static Recorder record(DataStream stream, String name, boolean pickled) {
        Recorder recorder = new Recorder(name, pickled);
        SingleOutputStreamOperator end = stream.transform("record " + name, Types.VOID, recorder);
        end.setParallelism(1);
        return recorder;
    }

    /** What Flink says about how it would run these statements. */
    public static String explain(StatementSet statements) {
        return statements.explain(new ExplainDetail[] {ExplainDetail.CHANGELOG_MODE});
    }

    /** Let that source do this: [[kind, owner, time or null, text or null], ...]; the text is a row as JSON, or base64. */
    public static void play(ScriptSource source, Setting setting, String script) throws Exception {
        List steps = (List) new ObjectMapper().readValue(script, List.class);
        int[] kinds = new int[steps.size()];
        int[] owners = new int[steps.size()];
        long[] times = new long[steps.size()];
        byte[][] values = new byte[steps.size()][];
        for (int i = 0; i < steps.size(); i++) {
            List step = (List) steps.get(i);
            kinds[i] = ((Number) step.get(0)).intValue();
            owners[i] = ((Number) step.get(1)).intValue();
            times[i] = step.get(2) == null ? Long.MIN_VALUE : ((Number) step.get(2)).longValue();
            values[i] = step.get(3) == null ? null : ((String) step.get(3)).getBytes("UTF-8");
            if (source.isOfObjects() && values[i] != null) {
                values[i] = Base64.getDecoder().decode(values[i]);
            }
        }
        source.play(setting, kinds, owners, times, values);
    }
}
