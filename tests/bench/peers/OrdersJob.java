import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The reduced job in Kafka Streams: rows in RocksDB with a changelog, one thread, a commit once a
 * second, as often as the tower takes a barrier; otherwise stock settings.
 * Arguments: bootstrap, topic, events, application id, folder of the state.
 */
public class OrdersJob {
    static final ObjectMapper JSON = new ObjectMapper();
    static final Map<String, Map<String, Integer>> COUNTS = new TreeMap<>();
    static final CountDownLatch DONE = new CountDownLatch(1);
    static long seen = 0; // by the one stream thread

    public static void main(String[] args) throws Exception {
        long events = Long.parseLong(args[2]);
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, args[3]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, args[4]);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        Topology topology = new Topology();
        topology.addSource("events", Serdes.String().deserializer(),
            Serdes.ByteArray().deserializer(), args[1]);
        topology.addProcessor("track", () -> new Track(events), "events");
        topology.addStateStore(Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore("orders"), Serdes.String(), Serdes.ByteArray()), "track");
        KafkaStreams streams = new KafkaStreams(topology, settings);
        streams.start();
        DONE.await();
        streams.close(); // commits: the changelog is flushed first
        System.out.printf("{\"ended\": %s, \"counts\": %s}%n", now(), JSON.writeValueAsString(COUNTS));
        System.in.read();
    }

    static String now() {
        return String.format(java.util.Locale.ROOT, "%.3f", System.currentTimeMillis() / 1000.0);
    }

    /** Counts an event and keeps its order's new row. */
    static class Track implements Processor<String, byte[], Void, Void> {
        final long events;
        KeyValueStore<String, byte[]> orders;

        Track(long events) {
            this.events = events;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            orders = context.getStateStore("orders");
        }

        @Override
        public void process(Record<String, byte[]> record) {
            if (record.key() == null) {
                return; // a tick of the clock
            }
            if (seen == 0) {
                System.out.printf("{\"began\": %s}%n", now());
            }
            try {
                byte[] before = orders.get(record.key());
                ObjectNode row = before == null ? null : (ObjectNode) JSON.readTree(before);
                orders.put(record.key(), JSON.writeValueAsBytes(step(row, JSON.readTree(record.value()))));
            } catch (java.io.IOException failure) {
                throw new IllegalStateException(failure);
            }
            if (++seen == events) {
                DONE.countDown();
            }
        }

        static ObjectNode step(ObjectNode row, JsonNode event) {
            long at = Instant.parse(event.get("occurred_at").textValue()).toEpochMilli();
            if (row == null) {
                row = JSON.createObjectNode();
                row.put("carrier", event.get("carrier").textValue());
                row.put("end", Instant.parse(event.get("promise").get("end").textValue()).toEpochMilli());
                row.put("failed", 0);
                count(row, "orders", 1);
            }
            String kind = event.get("kind").textValue();
            if (kind.equals("attempt_failed")) {
                count(row, "first_failed", row.get("failed").intValue() == 0 ? 1 : 0);
                row.put("failed", row.get("failed").intValue() + 1);
            } else if (kind.equals("delivered")) {
                count(row, at <= row.get("end").longValue() ? "on_time" : "late", 1);
            }
            row.put("last", kind);
            row.put("at", at);
            return row;
        }

        static void count(ObjectNode row, String what, int by) {
            Map<String, Integer> counts = COUNTS.computeIfAbsent(row.get("carrier").textValue(),
                carrier -> new TreeMap<>(Map.of("orders", 0, "on_time", 0, "late", 0, "first_failed", 0)));
            counts.merge(what, by, Integer::sum);
        }
    }
}
