//! The arguments of a step as C spells them: literals and initializers.

use serde_json::{Map, Value};

/// What the generator does not know is an error in words.
pub type Result<T> = std::result::Result<T, String>;

/// The members of an object, taken one by one, so that one that nobody takes is seen.
pub struct Arguments {
    of: String,
    members: Map<String, Value>,
}

impl Arguments {
    pub fn new(of: &str, members: &Map<String, Value>) -> Self {
        Self { of: of.to_owned(), members: members.clone() }
    }

    pub fn of_value(of: &str, value: &Value) -> Result<Self> {
        let members = value.as_object().ok_or_else(|| format!("{of}: {value} is no object"))?;
        Ok(Self::new(of, members))
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    pub fn need(&mut self, name: &str) -> Result<Value> {
        self.take(name).ok_or_else(|| format!("{}: {name} is missing", self.of))
    }

    pub fn number(&mut self, name: &str) -> Result<u64> {
        let value = self.need(name)?;
        value.as_u64().ok_or_else(|| format!("{}: {name}: {value} is no number", self.of))
    }

    pub fn text(&mut self, name: &str) -> Result<String> {
        let value = self.need(name)?;
        Ok(value.as_str().ok_or_else(|| format!("{}: {name}: {value} is no text", self.of))?.to_owned())
    }

    pub fn array(&mut self, name: &str) -> Result<Vec<Value>> {
        let value = self.need(name)?;
        Ok(value.as_array().ok_or_else(|| format!("{}: {name}: {value} is no list", self.of))?.clone())
    }

    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Nobody knows what is left.
    pub fn end(self) -> Result<()> {
        match self.members.keys().next() {
            Some(name) => Err(format!("{}: the generator does not know the member {name:?}", self.of)),
            None => Ok(()),
        }
    }
}

/// A string literal.
pub fn literal(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => format!("\\{}", byte as char),
        b' '..=b'~' if byte != b'?' => (byte as char).to_string(),
        _ => format!("\\{byte:03o}"),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// The initializer of a `ringmain_message`.
pub fn message(mut with: Arguments) -> Result<String> {
    let mut fields = vec![".size = sizeof(ringmain_message)".to_owned()];
    if with.take("tombstone").is_some() {
        fields.push(".is_tombstone = 1".to_owned());
    } else {
        let value = with.text("value")?;
        fields.push(format!(".value = {}, .value_bytes = {}", literal(&value), value.len()));
    }
    for name in ["key", "ordering_key", "dedup_key"] {
        if with.has(name) {
            let key = with.text(name)?;
            fields.push(format!(".{name} = {}, .{name}_bytes = {}", literal(&key), key.len()));
        }
    }
    for name in ["event_time_ns", "deliver_at_ns", "delay_ms", "ttl_ms", "max_failures"] {
        if with.has(name) {
            fields.push(format!(".{name} = {}", with.number(name)?));
        }
    }
    if with.has("priority") {
        fields.push(format!(".has_priority = 1, .priority = {}", with.number("priority")?));
    }
    if let Some(headers) = with.take("headers") {
        let headers = headers.as_object().ok_or("headers are no object")?;
        let each = headers.iter().map(|(name, value)| {
            let value = value.as_str().ok_or_else(|| format!("header {name}: {value} is no text"))?;
            Ok(format!("{{{}, {}, {}, {}}}", literal(name), name.len(), literal(value), value.len()))
        });
        let each = each.collect::<Result<Vec<_>>>()?;
        fields.push(format!(
            ".headers = (const ringmain_header[]){{{}}}, .header_count = {}",
            each.join(", "),
            each.len()
        ));
    }
    with.end()?;
    Ok(format!("{{{}}}", fields.join(", ")))
}

/// The initializer of an array of messages, and how many they are.
pub fn messages(with: &mut Arguments) -> Result<(String, usize)> {
    let all = with.array("messages")?;
    let each = all.iter().map(|each| message(Arguments::of_value("message", each)?));
    Ok((format!("{{{}}}", each.collect::<Result<Vec<_>>>()?.join(", ")), all.len()))
}

/// One of the names of a constant.
fn constant(prefix: &str, value: &str) -> String {
    format!("RINGMAIN_{prefix}_{}", value.to_uppercase().replace('-', "_"))
}

/// 0 is the default in C, and is itself spelled otherwise.
fn option(value: u64) -> String {
    if value == 0 { "RINGMAIN_ZERO".to_owned() } else { value.to_string() }
}

/// The initializer of `ringmain_queue_options`.
pub fn queue_options(mut with: Arguments) -> Result<String> {
    let mut fields = vec![".size = sizeof(ringmain_queue_options)".to_owned()];
    for name in ["lease_ms", "max_failures", "concurrency_max", "concurrency_max_per_key", "ttl_ms"] {
        if with.has(name) {
            fields.push(format!(".{name} = {}", option(with.number(name)?)));
        }
    }
    if with.has("dead_letter") {
        fields.push(format!(".dead_letter = {}", literal(&with.text("dead_letter")?)));
    }
    if with.has("on_exhausted") {
        fields.push(format!(".on_exhausted = {}", constant("ON_EXHAUSTED", &with.text("on_exhausted")?)));
    }
    if let Some(retry) = with.take("retry") {
        let mut retry = Arguments::of_value("retry", &retry)?;
        for name in ["base_ms", "cap_ms", "factor"] {
            if retry.has(name) {
                fields.push(format!(".retry_{name} = {}", option(retry.number(name)?)));
            }
        }
        if retry.has("jitter") {
            fields.push(format!(".retry_jitter = {}", constant("JITTER", &retry.text("jitter")?)));
        }
        retry.end()?;
    }
    if let Some(dedup) = with.take("dedup") {
        fields.push(format!(".dedup = &(const ringmain_dedup){}", self::dedup(&dedup)?));
    }
    if let Some(capacity) = with.take("capacity") {
        fields.push(format!(".capacity = &(const ringmain_capacity){}", self::capacity(&capacity)?));
    }
    if let Some(history) = with.take("history") {
        let mut history = Arguments::of_value("history", &history)?;
        let (window, count) = (history.number("window_ms")?, history.number("count_max")?);
        fields.push(format!(".history_window_ms = {window}, .history_count_max = {count}"));
        history.end()?;
    }
    if with.has("error_classes") {
        let classes = with.array("error_classes")?;
        let each = classes.iter().map(|class| {
            let mut class = Arguments::of_value("error class", class)?;
            let rule = constant("ERROR_CLASS", &class.text("rule")?);
            let each = format!("{{.name = {}, .rule = {rule}}}", literal(&class.text("name")?));
            class.end().map(|()| each)
        });
        let each = each.collect::<Result<Vec<_>>>()?.join(", ");
        fields.push(format!(
            ".error_classes = (const ringmain_error_class[]){{{each}}}, .error_class_count = {}",
            classes.len()
        ));
    }
    with.end()?;
    Ok(format!("{{{}}}", fields.join(", ")))
}

fn dedup(dedup: &Value) -> Result<String> {
    let mut dedup = Arguments::of_value("dedup", dedup)?;
    let mut made = format!("{{.size = sizeof(ringmain_dedup), .window_ms = {}", dedup.number("window_ms")?);
    for (name, prefix) in [("on_conflict", "ON_CONFLICT"), ("mode", "DEDUP")] {
        if dedup.has(name) {
            made += &format!(", .{name} = {}", constant(prefix, &dedup.text(name)?));
        }
    }
    dedup.end().map(|()| made + "}")
}

fn capacity(capacity: &Value) -> Result<String> {
    let mut capacity = Arguments::of_value("capacity", capacity)?;
    let mut made = "{.size = sizeof(ringmain_capacity)".to_owned();
    for name in ["messages", "bytes", "block_ms"] {
        if capacity.has(name) {
            made += &format!(", .{name} = {}", capacity.number(name)?);
        }
    }
    if capacity.has("overflow") {
        made += &format!(", .overflow = {}", constant("OVERFLOW", &capacity.text("overflow")?));
    }
    capacity.end().map(|()| made + "}")
}

/// The initializer of `ringmain_stream_options`.
pub fn stream_options(mut with: Arguments) -> Result<String> {
    let mut made = "{.size = sizeof(ringmain_stream_options)".to_owned();
    if with.has("partitions") {
        made += &format!(", .partitions = {}", with.number("partitions")?);
    }
    if let Some(compaction) = with.take("compaction") {
        let mut compaction = Arguments::of_value("compaction", &compaction)?;
        let is_latest_only = compaction.take("latest_only") == Some(Value::Bool(true));
        let kind = if is_latest_only { "LATEST_ONLY" } else { "LATEST" };
        made += &format!(", .compaction = RINGMAIN_COMPACTION_{kind}");
        compaction.end()?;
    }
    with.end().map(|()| made + "}")
}

/// The kind and the value of a place in a stream, such as `RINGMAIN_START_OFFSET, 3`.
pub fn place(prefix: &str, place: Option<Value>) -> Result<(String, u64)> {
    let (kind, value) = match place {
        None => ("EARLIEST".to_owned(), 0),
        Some(Value::String(name)) => (name.to_uppercase(), 0),
        Some(object) => {
            let mut object = Arguments::of_value("place", &object)?;
            let (kind, name) = if object.has("offset") { ("OFFSET", "offset") } else { ("TIME", "time_ns") };
            let value = object.number(name)?;
            object.end()?;
            (kind.to_owned(), value)
        }
    };
    Ok((format!("RINGMAIN_{prefix}_{kind}"), value))
}

/// The initializer of a `ringmain_filter`.
pub fn filter(only: &Value) -> Result<String> {
    let mut only = Arguments::of_value("only", only)?;
    let mut made = "{.size = sizeof(ringmain_filter), .kind = RINGMAIN_FILTER_".to_owned();
    if only.has("key") {
        let key = only.text("key")?;
        let keys = format!("&(const ringmain_key){{{}, {}}}", literal(&key), key.len());
        made += &format!("KEYS, .keys = {keys}, .key_count = 1");
    } else if only.has("header") {
        let name = literal(&only.text("header")?);
        if only.has("value") {
            let value = only.text("value")?;
            let (text, bytes) = (literal(&value), value.len());
            made += &format!("HEADER, .name = {name}, .value = {text}, .value_bytes = {bytes}");
        } else {
            made += &format!("HAS_HEADER, .name = {name}");
        }
    } else {
        let kind = if only.has("any") { "any" } else { "all" };
        let each = only.array(kind)?.iter().map(filter).collect::<Result<Vec<_>>>()?;
        let (all, count) = (each.join(", "), each.len());
        let kind = kind.to_uppercase();
        made += &format!("{kind}, .filters = (const ringmain_filter[]){{{all}}}, .filter_count = {count}");
    }
    only.end().map(|()| made + "}")
}
