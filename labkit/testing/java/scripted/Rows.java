package scripted;

import java.io.IOException;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.conversion.DataStructureConverter;
import org.apache.flink.table.data.conversion.DataStructureConverters;
import org.apache.flink.table.runtime.typeutils.ExternalTypeInfo;
import org.apache.flink.table.types.DataType;

/** Rows as toDataStream would give them: those of a table, converted. */
final class Rows extends AbstractDeserializationSchema {
    private final DeserializationSchema internal;
    private final DataStructureConverter converter;

    Rows(DeserializationSchema internal, DataType type) {
        super(ExternalTypeInfo.of(type));
        this.internal = internal;
        this.converter = DataStructureConverters.getConverter(type);
    }

    public void open(DeserializationSchema.InitializationContext context) throws Exception {
        internal.open(context);
        converter.open(Rows.class.getClassLoader());
    }

    public Object deserialize(byte[] message) throws IOException {
        return converter.toExternal(internal.deserialize(message));
    }
}
