//! Attributes of users, roles and objects that are not grants.

use std::collections::BTreeMap;
use std::fmt;

macro_rules! properties {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $state:literal, $kind:ident;)*) => {
        /// One attribute. Names are Snowflake's own.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Property { $($(#[$doc])* $name,)* }

        impl Property {
            /// Every property, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Snowflake's name: `DEFAULT_ROLE`.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            /// Whether a difference is a change of state (and of drift), not just evidence such as a last login.
            pub fn is_state(self) -> bool { match self { $(Self::$name => $state,)* } }

            /// How the value is written in SQL.
            pub fn value_kind(self) -> ValueKind { match self { $(Self::$name => ValueKind::$kind,)* } }
        }
    };
}

/// How a property's value is written in SQL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueKind {
    /// A string literal.
    Text,
    /// `TRUE` or `FALSE`; stored as `true`, `false`.
    Boolean,
    /// A list of string literals; stored as `ALL` or empty for none.
    List,
    /// A bare word.
    Word,
}

properties! {
    /// Free text.
    Comment, "COMMENT", true, Text;
    /// The user cannot log in.
    Disabled, "DISABLED", true, Boolean;
    /// Role of a new session, a name that Snowflake does not check.
    DefaultRole, "DEFAULT_ROLE", true, Text;
    /// `ALL`, or empty for none; absent when not known.
    DefaultSecondaryRoles, "DEFAULT_SECONDARY_ROLES", true, List;
    /// Warehouse of a new session.
    DefaultWarehouse, "DEFAULT_WAREHOUSE", true, Text;
    /// Database and schema of a new session.
    DefaultNamespace, "DEFAULT_NAMESPACE", true, Text;
    /// Name typed at login.
    LoginName, "LOGIN_NAME", true, Text;
    /// Name shown.
    DisplayName, "DISPLAY_NAME", true, Text;
    /// E-mail address.
    Email, "EMAIL", true, Text;
    /// `PERSON`, `SERVICE`, `LEGACY_SERVICE`.
    Type, "TYPE", true, Word;
    /// Of a schema: owners of objects cannot grant.
    ManagedAccess, "MANAGED_ACCESS", true, Boolean;
    /// Of a database: `STANDARD`, `IMPORTED DATABASE`, `APPLICATION`.
    Kind, "KIND", true, Text;
    /// Of a warehouse.
    Size, "WAREHOUSE_SIZE", true, Text;
    /// Evidence: a password is set.
    HasPassword, "HAS_PASSWORD", false, Boolean;
    /// Evidence: a second factor is enrolled.
    HasMfa, "HAS_MFA", false, Boolean;
    /// Evidence: a public key is set.
    HasRsaPublicKey, "HAS_RSA_PUBLIC_KEY", false, Boolean;
    /// Evidence: last successful login, RFC 3339.
    LastSuccessLogin, "LAST_SUCCESS_LOGIN", false, Text;
    /// Evidence: no login after this time, RFC 3339.
    ExpiresAt, "EXPIRES_AT", false, Text;
}

impl Property {
    /// Reads Snowflake's name, any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The attributes of one user, role or object.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Properties(BTreeMap<Property, String>);

impl Properties {
    /// The value of a property, if it has one.
    pub fn get(&self, property: Property) -> Option<&str> {
        self.0.get(&property).map(String::as_str)
    }

    /// Whether a boolean property is set and true.
    pub fn is_true(&self, property: Property) -> bool {
        self.get(property) == Some("true")
    }

    /// Sets a property, or removes it with `None`.
    pub fn set(&mut self, property: Property, value: Option<String>) {
        match value {
            Some(value) => self.0.insert(property, value),
            None => self.0.remove(&property),
        };
    }

    /// The same with one more property.
    pub fn with(mut self, property: Property, value: impl Into<String>) -> Self {
        self.set(property, Some(value.into()));
        self
    }

    /// All properties and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Property, &str)> {
        self.0.iter().map(|(p, v)| (*p, v.as_str()))
    }

    /// Only what counts as state.
    pub fn state(&self) -> Self {
        Self(self.0.iter().filter(|(p, _)| p.is_state()).map(|(p, v)| (*p, v.clone())).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Property, String)> for Properties {
    fn from_iter<I: IntoIterator<Item = (Property, String)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}
