package scripted;

import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.formats.common.TimestampFormat;
import org.apache.flink.formats.json.JsonRowDataDeserializationSchema;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.transformations.TimestampsAndWatermarksTransformation;
import org.apache.flink.table.api.ExplainDetail;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.api.bridge.java.internal.StreamTableEnvironmentImpl;
import org.apache.flink.table.api.internal.StatementSetImpl;
import org.apache.flink.table.api.internal.TableEnvironmentImpl;
import org.apache.flink.table.catalog.ContextResolvedTable;
import org.apache.flink.table.catalog.ExternalCatalogTable;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.SchemaTranslator;
import org.apache.flink.table.operations.ExternalModifyOperation;
import org.apache.flink.table.operations.ModifyOperation;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.utils.LogicalTypeDataTypeConverter;
import org.apache.flink.table.types.logical.utils.LogicalTypeParser;

/** The client's side: few calls with much in them, for each call from Python costs a tenth of a millisecond and more. */
public final class Client {
    private Client() {}

    /** A source of a table's rows, read from JSON. type: ROW<name TYPE, ...>. */
    public static ScriptSource internal(int number, String type) {
        return new ScriptSource(number, json(type));
    }

    /** A source of rows as functions of streams get them. */
    public static ScriptSource external(int number, String type) {
        return new ScriptSource(number, new Rows(json(type), LogicalTypeDataTypeConverter.toDataType(rows(type))));
    }

    private static RowType rows(String type) {
        return (RowType) LogicalTypeParser.parse(type, Client.class.getClassLoader());
    }

    private static DeserializationSchema json(String type) {
        RowType rows = rows(type);
        return new JsonRowDataDeserializationSchema(
                rows, InternalTypeInfo.of(rows), false, false, TimestampFormat.ISO_8601);
    }

    /** The stream of a source. */
    public static DataStream stream(StreamExecutionEnvironment environment, ScriptSource source, String name) {
        return environment.addSource(source, name, source.produced()).setParallelism(1);
    }

    /** A source of Python objects as PyFlink pickles them. */
    public static ScriptSource objects(int number) {
        return new ScriptSource(number, null);
    }

    /** Let every watermark strategy of the environment speak after every record. */
    public static void onEveryRecord(StreamExecutionEnvironment environment) throws Exception {
        Set seen = new HashSet();
        LinkedList waiting = new LinkedList(environment.getTransformations());
        while (!waiting.isEmpty()) {
            Transformation each = (Transformation) waiting.removeFirst();
            if (seen.add(each)) {
                waiting.addAll(each.getInputs());
                if (each instanceof TimestampsAndWatermarksTransformation) {
                    OnEveryRecord.in((TimestampsAndWatermarksTransformation) each);
                }
            }
        }
    }

    /**
     * The changes of these tables as streams, planned together with the INSERTs of a set: what they share is done once.
     * StreamTableEnvironment's own toChangelogStream would plan each table alone.
     */
    public static List changes(StreamTableEnvironment tables, List queries, StatementSet inserts) {
        TableEnvironmentImpl inside = (TableEnvironmentImpl) tables;
        List operations = new ArrayList();
        for (int i = 0; i < queries.size(); i++) {
            operations.add(kept(inside, (Table) queries.get(i), "recorded-" + i));
        }
        operations.addAll(((StatementSetImpl) inserts).getOperations());
        // in this order; two INSERTs into one table may have become one stream, behind those of the queries
        List planned = inside.getPlanner().translate(operations);
        StreamExecutionEnvironment environment = ((StreamTableEnvironmentImpl) tables).execEnv();
        List streams = new ArrayList();
        for (int i = 0; i < planned.size(); i++) {
            environment.addOperator((Transformation) planned.get(i));
            if (i < queries.size()) {
                streams.add(new DataStream(environment, (Transformation) planned.get(i)));
            }
        }
        environment.configure(tables.getConfig().getConfiguration());
        return streams;
    }

    /** What toChangelogStream makes of a table before it is planned. name: two sinks of one name could become one. */
    private static ModifyOperation kept(TableEnvironmentImpl inside, Table table, String name) {
        SchemaTranslator.ProducingResult produced =
                SchemaTranslator.createProducingResult(table.getResolvedSchema(), (Schema) null);
        ResolvedCatalogTable sink =
                inside.getCatalogManager().resolveCatalogTable(new ExternalCatalogTable(produced.getSchema()));
        return new ExternalModifyOperation(
                ContextResolvedTable.anonymous(name, sink),
                table.getQueryOperation(),
                null,
                sink.getResolvedSchema().toPhysicalRowDataType());
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
